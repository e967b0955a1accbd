-- Roles that a tenant made: what somebody may do whose role has this name. The built-in ones stand in the program, and no other has their names.
create table core.role (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    -- Names of permissions.
    permissions text[] not null,
    created_at timestamptz not null,
    constraint role_pkey primary key (tenant_id, id),
    constraint role_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint role_name_key unique (tenant_id, name),
    constraint role_name_check check (
        length(name) between 1 and 50 and name !~ '[[:cntrl:]]' and lower(name) not in ('owner', 'admin', 'member', 'viewer', 'agent')),
    constraint role_permissions_check check (cardinality(permissions) <= 200)
);

create unique index role_name_idx on core.role (tenant_id, lower(name));

select core.isolate('core.role');

-- What was opened for its holders may be theirs no more.
create trigger role_access_notice
    after update on core.role
    for each row
    when (old.name <> new.name or old.permissions <> new.permissions)
    execute function core.access_notice('tenant', 'tenant_id');

create trigger role_access_gone
    after delete on core.role
    for each row
    execute function core.access_notice('tenant', 'tenant_id');
