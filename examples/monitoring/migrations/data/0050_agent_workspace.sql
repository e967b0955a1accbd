-- The workspace that an agent watches for; those from before belong to the organization's first one.
alter table agent add column workspace_id uuid;
update agent set workspace_id = tenant_id;
alter table agent alter column workspace_id set not null;
alter table agent
    add constraint agent_workspace_fkey foreign key (tenant_id, workspace_id) references core.workspace (tenant_id, id);
create index agent_workspace_idx on agent (tenant_id, workspace_id);
