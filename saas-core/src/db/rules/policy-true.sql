select format('%s.%s policy %s', n.nspname, c.relname, p.polname)
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where not p.polpermissive
  and (pg_get_expr(p.polqual, p.polrelid) = 'true' or pg_get_expr(p.polwithcheck, p.polrelid) = 'true'
       or (p.polcmd in ('*', 'a', 'w') and p.polwithcheck is null))
