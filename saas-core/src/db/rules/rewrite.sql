select format('%s.%s rule %s', nspname, relname, r.rulename)
from tenant_table
join pg_rewrite r on r.ev_class = tenant_table.oid
