-- What every database needs before its first migration. Run by the owner login, under the migration lock, each time: all of it is
-- idempotent. Roles belong to the whole cluster, so another database of the same cluster may be creating them right now.
do $$
declare
    group_role text;
    login name;
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
    -- The groups are the whole cluster's: what they may connect to, every product's logins may. So this database's own logins may alone, which
    -- are those with settings in it.
    execute format('revoke all on database %I from public, saas_owner, saas_app, saas_system', current_database());
    for login in
        select member.rolname
        from pg_db_role_setting setting
        join pg_database on pg_database.oid = setting.setdatabase and pg_database.datname = current_database()
        join pg_roles member on member.oid = setting.setrole and member.rolcanlogin
        where pg_has_role(member.oid, 'saas_app', 'member') or pg_has_role(member.oid, 'saas_system', 'member')
    loop
        execute format('grant connect on database %I to %I', current_database(), login);
    end loop;
    revoke all on schema public from public;
end
$$;

create schema if not exists core;
create schema if not exists data;
revoke all on schema core, data from public;
grant usage on schema core, data to saas_app, saas_system;
