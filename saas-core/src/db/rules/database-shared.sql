select format('connect for %s', grants.grantee::regrole)
from pg_database d
cross join aclexplode(d.datacl) grants
where d.datname = current_database() and grants.privilege_type = 'CONNECT'
  and grants.grantee in (select r.oid from pg_roles r where r.rolname in ('saas_owner', 'saas_app', 'saas_system'))
