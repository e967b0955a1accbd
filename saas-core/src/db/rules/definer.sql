select format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where p.prosecdef and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and has_function_privilege(session_user, p.oid, 'execute')
  and (not format('%s.%s', n.nspname, p.proname) = any ($1::text[])
       or not exists (select from unnest(p.proconfig) setting where setting ~ '^search_path=pg_catalog, pg_temp$'))
