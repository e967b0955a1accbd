select format('%s through %s%s%s', session_user, r.rolname,
    case when r.rolsuper then ' (superuser)' end, case when r.rolbypassrls then ' (bypassrls)' end)
from pg_roles r
where (r.rolsuper or r.rolbypassrls) and pg_has_role(session_user, r.oid, 'member')
