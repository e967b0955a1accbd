select format('%s.%s', n.nspname, p.proname)
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where p.proleakproof and n.nspname !~ '^pg_'
