-- Puts a table behind the tenant wall. Every migration that creates a tenant table calls it once; nothing else writes policies.
--
-- The tenant policy is restrictive: a later permissive policy cannot widen it. It reads the transaction-local setting once per
-- statement; after a transaction the setting is '', which is nobody's tenant. `visible` widens reading alone, and only while no tenant
-- is set: it is how a person finds the tenants that they belong to.
create function core.isolate(
    target regclass,
    tenant_column name default 'tenant_id',
    privileges text default 'select, insert, update, delete',
    visible text default null
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own constant text := format(
        '%I = (select nullif(current_setting(''saas.tenant_id'', true), '''')::uuid)', tenant_column);
    readable text := own;
begin
    if visible is not null then
        readable := format(
            '%s or ((select nullif(current_setting(''saas.tenant_id'', true), '''')) is null and %s)', own, visible);
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

revoke all on function core.isolate(regclass, name, text, text) from public;
