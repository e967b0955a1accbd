select format('%s.%s policy %s', nspname, relname, p.polname)
from tenant_table
join pg_policy p on p.polrelid = tenant_table.oid
where p.polpermissive
  and not p.polroles <@ array(select r.oid from pg_roles r where r.rolname in ('saas_app', 'saas_system', 'saas_owner'))
