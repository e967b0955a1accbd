select format('%s on %s.%s', lower(grants.privilege_type), n.nspname, c.relname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join aclexplode(c.relacl) grants
where grants.grantee = 0 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select format('%s on %s.%s.%s', lower(grants.privilege_type), n.nspname, c.relname, a.attname)
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
cross join aclexplode(a.attacl) grants
where grants.grantee = 0 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select format('execute on %s.%s', n.nspname, p.proname)
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and p.prosecdef
  and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) grants where grants.grantee = 0)
union all
select format('%s on schema %s', lower(grants.privilege_type), n.nspname)
from pg_namespace n
cross join aclexplode(n.nspacl) grants
where grants.grantee = 0 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select format('%s on database %s', lower(grants.privilege_type), d.datname)
from pg_database d
cross join aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) grants
where grants.grantee = 0 and d.datname = current_database()
union all
select format('default privileges of %s', d.defaclrole::regrole)
from pg_default_acl d
cross join aclexplode(d.defaclacl) grants
where grants.grantee = 0
