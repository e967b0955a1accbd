select format('%s.%s', nspname, relname)
from tenant_table
where not (relrowsecurity and relforcerowsecurity)
  -- A part of a table is reached through the whole, whose policies apply, as long as nobody may use it directly.
  and (reachable or not exists (select from pg_inherits where inhrelid = oid))
