-- One row for each thing that happened to tenant data, written in the transaction that made it happen.
create table outbox (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    version integer not null,
    actor_kind text not null,
    actor_id uuid,
    subject text not null,
    data jsonb not null,
    at timestamptz not null,
    constraint outbox_pkey primary key (tenant_id, id),
    constraint outbox_actor_check check (actor_kind in ('user', 'agent', 'system'))
);

select core.isolate('outbox', privileges => 'select, insert');
