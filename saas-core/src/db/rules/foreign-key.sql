select format('%s.%s constraint %s', n.nspname, c.relname, k.conname)
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute tenant on tenant.attrelid = c.oid and tenant.attname = 'tenant_id' and not tenant.attisdropped
where k.contype = 'f' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and k.conkey[1] <> tenant.attnum
  -- The one place where a person meets a tenant.
  and not (n.nspname = 'core' and c.relname = 'member' and k.conname = 'member_user_fkey')
