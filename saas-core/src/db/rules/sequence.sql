select format('%s.%s', n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (has_sequence_privilege(session_user, c.oid, 'select, usage, update')
       -- An identity column's sequence is used without a right on it.
       or exists (
           select from pg_depend d
           join tenant_table t on t.oid = d.refobjid and t.reachable
           where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i'
       ))
  and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'global: %'
