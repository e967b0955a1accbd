select format('%s.%s constraint %s', t.nspname, t.relname, k.conname)
from pg_constraint k
join tenant_table t on t.oid = k.conrelid
left join tenant_table parent on parent.oid = k.confrelid
where k.contype = 'f' and t.tenant_column = 'tenant_id'
  and (k.conkey[1] <> t.tenant_number or k.confkey[1] is distinct from parent.tenant_number)
  -- The one place where a person meets a tenant.
  and not (t.nspname = 'core' and t.relname = 'member' and k.conname = 'member_user_fkey')
