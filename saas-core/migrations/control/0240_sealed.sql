-- Whose transaction it is. Policies and functions that must know ask core.own_tenant and core.own_user, and not the settings, which whoever can
-- run SQL can change. In a sealed database both answer nothing unless the settings bear the seal that core.enter put on them.
--
-- Which of the two it is, is the text of these functions and nothing else: no table changes. The server writes the text into each query and asks
-- it once a statement, so a database that is not sealed pays nothing for the choice.

-- What seals: two blocks of HMAC-SHA256 (RFC 2104) for each key. Its owner alone reads them.
create table core.seal_key (
    name text,
    inner_block bytea not null,
    outer_block bytea not null,
    constraint seal_key_pkey primary key (name),
    constraint seal_key_name_check check (name ~ '^[0-9a-f]{16}$'),
    constraint seal_key_block_check check (length(inner_block) = 64 and length(outer_block) = 64)
);
revoke all on table core.seal_key from public;

create function core.seal_mac(key core.seal_key, message text) returns text
language sql stable parallel safe
return encode(sha256(key.outer_block || sha256(key.inner_block || convert_to(message, 'UTF8'))), 'hex');
revoke all on function core.seal_mac(core.seal_key, text) from public;

-- The seal on a tenant and a person holds in one transaction of one session: seen, it is worth nothing in another.
create function core.seal_made(key core.seal_key, tenant text, person text) returns text
language sql stable parallel restricted
return key.name || '.' || core.seal_mac(
    key, concat_ws('/', 'seal', pg_backend_pid(), extract(epoch from transaction_timestamp()), tenant, person));
revoke all on function core.seal_made(core.seal_key, text, text) from public;

-- Whether the settings bear the seal of this transaction.
create function core.seal_holds() returns boolean
language plpgsql stable parallel restricted security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    seal constant text := current_setting('saas.seal', true);
    key core.seal_key;
begin
    select * into key from core.seal_key where name = split_part(seal, '.', 1);
    return found and seal = core.seal_made(
        key, current_setting('saas.tenant_id', true), current_setting('saas.user_id', true));
end
$$;
revoke all on function core.seal_holds() from public;
grant execute on function core.seal_holds() to saas_app, saas_system;

-- Turns the program's proof that it means this tenant and this person into a seal. A proof is good for a minute, and only in the message that
-- opens the transaction: a statement that somebody got in later has come too late, whatever it has seen.
create function core.seal_of(tenant text, person text, proof text) returns text
language plpgsql stable parallel restricted security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    said_at constant text := split_part(proof, '.', 2);
    key core.seal_key;
begin
    if statement_timestamp() <> transaction_timestamp() then
        raise exception 'a transaction is entered in the message that opens it' using errcode = 'SA002';
    end if;
    select * into key from core.seal_key where name = split_part(proof, '.', 1);
    if not found then
        raise exception 'this database does not know the key that the program seals with' using errcode = 'SA002';
    end if;
    if split_part(proof, '.', 3) <> core.seal_mac(key, concat_ws('/', 'enter', said_at, tenant, person)) then
        raise exception 'the proof is none' using errcode = 'SA002';
    end if;
    if abs(extract(epoch from transaction_timestamp()) * 1000000 - said_at::bigint) > 60000000 then
        raise exception 'the clocks of the program and of the database differ by more than a minute' using errcode = 'SA002';
    end if;
    return core.seal_made(key, tenant, person);
end
$$;
revoke all on function core.seal_of(text, text, text) from public;
grant execute on function core.seal_of(text, text, text) to saas_app;

-- The names of the keys, for a program to choose one of them and for the doctor.
create function core.seal_keys() returns text[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select array(select name from core.seal_key order by name) $$;
revoke all on function core.seal_keys() from public;
grant execute on function core.seal_keys() to saas_app;

-- Seals the database, or opens it.
create function core.seal(is_sealed boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own record;
begin
    for own in values ('own_tenant', 'saas.tenant_id'), ('own_user', 'saas.user_id') loop
        execute format(
            'create or replace function core.%I() returns uuid language sql stable parallel %s return %s',
            own.column1,
            case when is_sealed then 'restricted' else 'safe' end,
            format(
                case when is_sealed then 'case when core.seal_holds() then %s end' else '%s' end,
                format('nullif(current_setting(%L, true), '''')::uuid', own.column2)));
    end loop;
end
$$;
revoke all on function core.seal(boolean) from public;

select core.seal(false);
revoke all on function core.own_tenant(), core.own_user() from public;
grant execute on function core.own_tenant(), core.own_user() to saas_app, saas_system;

-- As before, and seals. A program that has no proof for a sealed database is told so, and not that there are no rows.
drop function core.enter(text, text);
create function core.enter(tenant text, person text, proof text default null) returns void
language plpgsql
as $$
begin
    if current_user <> session_user
        or pg_catalog.current_setting('saas.tenant_id', true) <> ''
        or pg_catalog.current_setting('saas.user_id', true) <> ''
        or pg_catalog.current_setting('saas.seal', true) <> ''
        or pg_catalog.current_setting('search_path') <> 'data, pg_catalog'
    then
        raise exception 'this connection has settings of somebody else''s session' using errcode = 'SA001';
    end if;
    perform pg_catalog.set_config('saas.tenant_id', tenant, true), pg_catalog.set_config('saas.user_id', person, true);
    if proof is not null then
        perform pg_catalog.set_config('saas.seal', core.seal_of(tenant, person, proof), true);
    elsif tenant <> '' and core.own_tenant() is null or person <> '' and core.own_user() is null then
        raise exception 'this database is sealed, and the program brings no proof' using errcode = 'SA002';
    end if;
end
$$;
revoke all on function core.enter(text, text, text) from public;
grant execute on function core.enter(text, text, text) to saas_app;

create or replace function core.isolate(
    target regclass,
    tenant_column name default 'tenant_id',
    privileges text default 'select, insert, update, delete',
    visible text default null
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own constant text := format('%I = (select core.own_tenant())', tenant_column);
    readable text := own;
begin
    if visible ~ 'current_setting' then
        raise exception 'what is visible must ask core.own_tenant() and core.own_user(), and not the settings, which a statement can change';
    end if;
    if visible is not null then
        readable := format('%s or ((select core.own_tenant()) is null and %s)', own, visible);
    end if;
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('create policy app on %s to saas_app using (true) with check (true)', target);
    execute format('create policy tenant on %s as restrictive to saas_app using (%s) with check (%s)', target, readable, own);
    execute format('create policy system on %s to saas_system using (true) with check (true)', target);
    execute format('create policy owner on %s to saas_owner using (true) with check (true)', target);
    execute format('revoke all on table %s from public', target);
    execute format('grant %s on table %s to saas_app', privileges, target);
    execute format('grant select, insert, update, delete on table %s to saas_system', target);
    if visible is not null then
        -- An update or delete must find its row by the tenant alone.
        execute format('create policy tenant_update on %s as restrictive for update to saas_app using (%s) with check (%s)', target, own, own);
        execute format('create policy tenant_delete on %s as restrictive for delete to saas_app using (%s)', target, own);
    end if;
end
$$;

-- What was written before asks the same two functions from now on: policies, as the server prints them, and functions of core.
do $$
declare
    written record;
    asked constant text := '\( SELECT \(?NULLIF\(current_setting\(''saas\.%s''::text, true\), ''''::text\)\)?::uuid( AS "nullif")?\)';
    -- As core.isolate asked whether there is one at all.
    is_none constant text := '\( SELECT \(?NULLIF\(current_setting\(''saas\.%s''::text, true\), ''''::text\)\)?( AS "nullif")?\) IS NULL';
    mended text[];
begin
    for written in
        select p.polname as name, p.polrelid::regclass as target,
            array[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)] as conditions
        from pg_policy p
        where not p.polpermissive and p.polroles && array(select r.oid from pg_roles r where r.rolname = 'saas_app' union all select 0::oid)
    loop
        select array_agg(
            regexp_replace(
                regexp_replace(
                    regexp_replace(condition, format(asked, 'tenant_id'), '(select core.own_tenant())', 'g'),
                    format(asked, 'user_id'), '(select core.own_user())', 'g'),
                format(is_none, 'tenant_id'), '(select core.own_tenant()) is null', 'g')
            order by place)
        into mended
        from unnest(written.conditions) with ordinality as c (condition, place);
        if mended is distinct from written.conditions then
            execute format('alter policy %I on %s', written.name, written.target)
                || coalesce(' using (' || mended[1] || ')', '') || coalesce(' with check (' || mended[2] || ')', '');
        end if;
    end loop;
    for written in
        select pg_get_functiondef(p.oid) as text
        from pg_proc p
        where p.oid in (
            'core.job_add(uuid, text, jsonb, smallint, text, integer, bigint, timestamptz)'::regprocedure,
            'core.job_complete(uuid, integer)'::regprocedure,
            'core.mail_add(uuid, text, text, text, text, bytea, bytea, uuid, timestamptz)'::regprocedure)
    loop
        execute replace(written.text, 'nullif(current_setting(''saas.tenant_id'', true), '''')::uuid', 'core.own_tenant()');
    end loop;
end
$$;
