select session_user::text
where not exists (select from pg_roles r where r.rolname = 'saas_app' and pg_has_role(session_user, r.oid, 'usage'))
