-- The tables behind the tenant wall, for every rule: those with a tenant_id, and the tenants themselves. `reachable` says whether the
-- application login has any right on one, be it on a single column.
with tenant_table as (
    select
        c.oid, n.nspname, c.relname, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
        a.attnum as tenant_number, a.attname as tenant_column,
        has_any_column_privilege(session_user, c.oid, 'select, insert, update, references')
            or has_table_privilege(session_user, c.oid, 'delete, truncate, trigger') as reachable
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
        and a.attname = case when n.nspname = 'core' and c.relname = 'tenant' then 'id' else 'tenant_id' end
    where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
)
