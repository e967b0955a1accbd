-- What was opened for a person and goes on, such as a stream, must end when they lose the right to it. Whoever keeps it open hears when to
-- look again. Ids alone.
create function core.access_notice() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The kind of thing, and its column.
    perform pg_notify('saas_access', concat(tg_argv[0], ' ', to_jsonb(old) ->> tg_argv[1]));
    return null;
end
$$;

revoke all on function core.access_notice() from public;

create trigger member_access_notice
    after update on core.member
    for each row
    when (old.role <> new.role or old.left_at is distinct from new.left_at)
    execute function core.access_notice('user', 'user_id');

create trigger member_access_gone
    after delete on core.member
    for each row
    execute function core.access_notice('user', 'user_id');

create trigger user_access_notice
    after update on core.user
    for each row
    when (old.state <> new.state)
    execute function core.access_notice('user', 'id');

create trigger tenant_access_notice
    after update on core.tenant
    for each row
    when (old.state <> new.state)
    execute function core.access_notice('tenant', 'id');
