select format('%s.%s index %s', t.nspname, t.relname, i.relname)
from pg_index x
join pg_class i on i.oid = x.indexrelid
join tenant_table t on t.oid = x.indrelid
where (x.indisunique or x.indisexclusion) and t.tenant_column = 'tenant_id'
  and x.indkey[0] <> t.tenant_number
  and coalesce(obj_description(i.oid, 'pg_class'), '') not like 'global: %'
