-- Says for whom a transaction is: the first statement of every one of the application's. It refuses a connection on which somebody left
-- settings for the whole session, as a pooler may hand it on; SA001 says so, and the connection is given up. A function, because its parts
-- are read once a connection and not once a transaction. It has no search path of its own because it looks at the caller's, and names what it calls
-- in full because that may be anybody's.
create function core.enter(tenant text, person text) returns void
language plpgsql
as $$
begin
    if current_user <> session_user
        or pg_catalog.current_setting('saas.tenant_id', true) <> ''
        or pg_catalog.current_setting('saas.user_id', true) <> ''
        or pg_catalog.current_setting('search_path') <> 'data, pg_catalog'
    then
        raise exception 'this connection has settings of somebody else''s session' using errcode = 'SA001';
    end if;
    perform pg_catalog.set_config('saas.tenant_id', tenant, true), pg_catalog.set_config('saas.user_id', person, true);
end
$$;
revoke all on function core.enter(text, text) from public;
grant execute on function core.enter(text, text) to saas_app;
