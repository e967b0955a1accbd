-- What every database needs before its first migration. Run by the owner login, under the migration lock, each time: all of it is
-- idempotent. Roles belong to the whole cluster, so another database of the same cluster may be creating them right now.
do $$
declare
    group_role text;
begin
    foreach group_role in array array['saas_owner', 'saas_app', 'saas_system'] loop
        begin
            execute format('create role %I nologin', group_role);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
    if not pg_has_role(current_user, 'saas_owner', 'member') then
        execute format('grant saas_owner to %I', current_user);
    end if;
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to saas_app, saas_system', current_database());
    revoke all on schema public from public;
end
$$;

create schema if not exists core;
create schema if not exists data;
revoke all on schema core, data from public;
grant usage on schema core, data to saas_app, saas_system;
