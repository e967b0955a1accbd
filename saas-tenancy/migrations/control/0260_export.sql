-- An archive of all that is an organization's: asked for by an owner, packed a little later, and there for a day. The bytes lie in the object store under the
-- row's id; the row comes before them and goes after them.
create table tenancy.export (
    tenant_id uuid not null,
    id uuid not null,
    asked_by uuid not null,
    asked_at timestamptz not null,
    ready_at timestamptz,
    expires_at timestamptz,
    bytes bigint,
    constraint export_pkey primary key (tenant_id, id),
    constraint export_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint export_member_fkey foreign key (tenant_id, asked_by) references core.member (tenant_id, user_id),
    constraint export_ready_check check (num_nulls(ready_at, expires_at, bytes) in (0, 3)),
    constraint export_bytes_check check (bytes >= 0)
);

create index export_asked_idx on tenancy.export (tenant_id, asked_at);
create index export_member_idx on tenancy.export (tenant_id, asked_by);

select core.isolate('tenancy.export', privileges => 'select, insert, update');
