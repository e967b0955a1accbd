select format('%s.%s', n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (has_any_column_privilege(session_user, c.oid, 'select, insert, update') or has_table_privilege(session_user, c.oid, 'delete'))
  and (c.relkind in ('m', 'f')
       or (c.relkind = 'v' and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)))
