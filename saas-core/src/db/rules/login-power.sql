select format('%s through %s (%s)', session_user, r.rolname,
    case
        when r.rolcreaterole then 'createrole'
        when r.rolreplication then 'replication'
        when r.rolcreatedb then 'createdb'
        else 'a right over the whole server'
    end)
from pg_roles r
where (r.rolcreaterole or r.rolreplication or r.rolcreatedb or r.rolname ~ '^pg_')
  and pg_has_role(session_user, r.oid, 'member')
  -- A superuser is a member of everything, and is reported as such.
  and not exists (select from pg_roles own where own.rolname = session_user and own.rolsuper)
