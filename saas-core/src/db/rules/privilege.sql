select format('%s on %s.%s', right_name, n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join unnest(array['truncate', 'references', 'trigger']) right_name
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and has_table_privilege(session_user, c.oid, right_name)
union all
select format('create in schema %s', n.nspname)
from pg_namespace n
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_schema_privilege(session_user, n.oid, 'create')
union all
select format('%s in database %s', right_name, current_database())
from unnest(array['create', 'temp']) right_name
where has_database_privilege(session_user, current_database(), right_name)
