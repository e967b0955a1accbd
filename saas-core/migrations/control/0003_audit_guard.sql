-- The events of the program itself (sign-ins, for example) are kept under the nil id, so nobody's tenant can have it.
alter table core.tenant add constraint tenant_id_check check (id <> '00000000-0000-0000-0000-000000000000');

-- Keeps sealed audit entries as they are, whoever writes. Two things alone are allowed: to empty what says something about a person (the
-- seal covers a salted digest of it, so the chain holds without), and to delete what the signed head of the chain says is pruned.
create function core.audit_guard() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    emptied record;
    pruned bigint;
begin
    if tg_op = 'DELETE' then
        execute format('select pruned from %I.audit_head where tenant_id = $1', tg_table_schema) into pruned using old.tenant_id;
        if old.number is null or old.number > coalesce(pruned, 0) then
            raise exception 'an audit entry stays until its chain is pruned'
                using errcode = 'check_violation', constraint = 'audit_entry_kept';
        end if;
        return old;
    end if;
    if old.number is not null then
        emptied := old;
        emptied.address := null;
        emptied.user_agent := null;
        emptied.salt := null;
        if new is distinct from old and new is distinct from emptied then
            raise exception 'a sealed audit entry does not change'
                using errcode = 'check_violation', constraint = 'audit_entry_sealed';
        end if;
    end if;
    return new;
end
$$;
