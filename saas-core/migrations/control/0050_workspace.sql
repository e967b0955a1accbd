-- A part of a tenant, such as a site or a project. What belongs to one refers to it as (tenant_id, workspace_id). It is core's, as members
-- are, so that no crate needs the one that manages it.
create table core.workspace (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    created_at timestamptz not null,
    constraint workspace_pkey primary key (tenant_id, id),
    constraint workspace_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint workspace_name_check check (length(name) between 1 and 100)
);

create unique index workspace_name_key on core.workspace (tenant_id, lower(name));

select core.isolate('core.workspace', privileges => 'select, insert, update');

-- A tenant has a workspace from its first moment: one with the tenant's own id and name, so that nobody has to look for it.
create function core.tenant_add_workspace() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.workspace (tenant_id, id, name, created_at) values (new.id, new.id, new.name, new.created_at)
    on conflict do nothing;
    return null;
end
$$;

create trigger tenant_add_workspace
    after insert on core.tenant
    for each row
    execute function core.tenant_add_workspace();

insert into core.workspace (tenant_id, id, name, created_at) select id, id, name, created_at from core.tenant;
