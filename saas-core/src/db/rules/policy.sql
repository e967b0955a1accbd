select format('%s.%s', n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
  and has_table_privilege(session_user, c.oid, 'select, insert, update, delete')
  and not exists (
    select from pg_policy p
    where p.polrelid = c.oid and not p.polpermissive and p.polcmd = '*'
      and p.polroles && array(select r.oid from pg_roles r where r.rolname = 'saas_app' union all select 0::oid)
      and pg_get_expr(p.polqual, p.polrelid) like '%saas.tenant_id%'
      and pg_get_expr(p.polwithcheck, p.polrelid) like '%saas.tenant_id%'
  )
