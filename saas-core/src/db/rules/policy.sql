select format('%s.%s', nspname, relname)
from tenant_table
cross join lateral (
    -- As the server prints what core.isolate writes.
    select
        format('(%I = ( SELECT core.own_tenant()))', tenant_column) as own,
        '((( SELECT core.own_tenant()) IS NULL) AND ' as nobody
) written
left join lateral (
    select
        p.polcmd as command,
        replace(pg_get_expr(p.polqual, p.polrelid), ' AS own_tenant', '') as readable,
        replace(pg_get_expr(p.polwithcheck, p.polrelid), ' AS own_tenant', '') as writable
    from pg_policy p
    where p.polrelid = tenant_table.oid and not p.polpermissive
      and p.polroles && array(select r.oid from pg_roles r where r.rolname = 'saas_app' union all select 0::oid)
) policy on true
where reachable
group by nspname, relname
having not coalesce(
    bool_or(command = '*' and writable = own and readable = own)
    -- What a person may read before a tenant is known must not be found by a change.
    or (bool_or(command = '*' and writable = own and starts_with(readable, format('(%s OR %s', own, nobody)))
        and bool_or(command = 'w' and readable = own and coalesce(writable, own) = own)
        and bool_or(command = 'd' and readable = own)),
    false)
