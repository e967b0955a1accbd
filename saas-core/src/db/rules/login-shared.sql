select r.rolname::text
from pg_roles r
where r.rolname in ('saas_owner', 'saas_system') and pg_has_role(session_user, r.oid, 'member')
