select format('%s %s.%s', case c.relkind when 'v' then 'view' else 'table' end, n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and pg_has_role(session_user, c.relowner, 'member')
