select pg_describe_object(d.classid, d.objid, d.objsubid)
from pg_shdepend d
where d.deptype = 'o' and d.refclassid = 'pg_authid'::regclass
  and (d.dbid = (select oid from pg_database where datname = current_database())
       or (d.classid = 'pg_database'::regclass and d.objid = (select oid from pg_database where datname = current_database())))
  and pg_has_role(session_user, d.refobjid, 'member')
  -- A superuser is a member of every owner, and is reported as such.
  and not exists (select from pg_roles own where own.rolname = session_user and own.rolsuper)
order by 1 desc
