select format('%s.%s index %s', n.nspname, c.relname, i.relname)
from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute tenant on tenant.attrelid = c.oid and tenant.attname = 'tenant_id' and not tenant.attisdropped
where (x.indisunique or x.indisexclusion) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and x.indkey[0] <> tenant.attnum
  and coalesce(obj_description(i.oid, 'pg_class'), '') not like 'global: %'
