select format('%s on %s.%s', right_name, n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join unnest(
    array['truncate', 'references', 'trigger'] || case when current_setting('server_version_num')::int >= 170000 then 'maintain' end
) right_name
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and case right_name
      when 'references' then has_any_column_privilege(session_user, c.oid, right_name)
      else has_table_privilege(session_user, c.oid, right_name)
  end
union all
select format('create in schema %s', n.nspname)
from pg_namespace n
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_schema_privilege(session_user, n.oid, 'create')
union all
select format('%s in database %s', right_name, current_database())
from unnest(array['create', 'temp']) right_name
where has_database_privilege(session_user, current_database(), right_name)
union all
select format('usage of foreign server %s', s.srvname)
from pg_foreign_server s
where has_server_privilege(session_user, s.oid, 'usage')
union all
-- Whoever opens connections from the server can be anybody there.
select format('execute on %s of extension %s', p.oid::regprocedure, e.extname)
from pg_extension e
join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
join pg_proc p on p.oid = d.objid
where e.extname in ('dblink', 'adminpack', 'file_fdw', 'pageinspect', 'postgres_fdw')
  and has_function_privilege(session_user, p.oid, 'execute')
