-- Who deletes a tenant deletes its log whole; a chain that loses its end alone would look as if it had never been longer.
create trigger audit_head_guard before delete on audit_head for each row execute function core.audit_head_guard();

grant delete on audit_head to saas_system;
