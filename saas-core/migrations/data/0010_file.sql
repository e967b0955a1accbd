-- What is known of an object in the object store. The row is here before the bytes are, so that nothing lies in the store unknown.
create table file (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    media_type text not null,
    bytes bigint not null default 0,
    sha256 bytea,
    state text not null default 'arriving',
    owner_kind text not null,
    owner_id uuid not null,
    created_by uuid,
    created_at timestamptz not null,
    deleted_at timestamptz,
    constraint file_pkey primary key (tenant_id, id),
    constraint file_member_fkey foreign key (tenant_id, created_by) references core.member (tenant_id, user_id),
    constraint file_name_check check (length(name) between 1 and 255),
    constraint file_bytes_check check (bytes >= 0),
    constraint file_state_check check (state in ('arriving', 'ready', 'deleted')),
    constraint file_ready_check check (state <> 'ready' or length(sha256) = 32),
    constraint file_deleted_check check ((state = 'deleted') = (deleted_at is not null))
);

create index file_owner_idx on file (tenant_id, owner_kind, owner_id, created_at desc, id desc) where state = 'ready';
-- What the sweep looks for.
create index file_sweep_idx on file (tenant_id, created_at) where state <> 'ready';

select core.isolate('file', privileges => 'select, insert, update');
