select format('%s.%s', n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and c.relname !~ '^_migrations'
  and not exists (select from tenant_table t where t.oid = c.oid)
  and (has_any_column_privilege(session_user, c.oid, 'select, insert, update') or has_table_privilege(session_user, c.oid, 'delete'))
  and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'global: %'
