-- Something with an address on a watched network. Most updates touch no indexed column, so they stay on their page.
create table device (
    tenant_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    address inet not null,
    mac text,
    hostname text,
    found_by text[] not null,
    state text not null default 'unknown',
    since_at timestamptz,
    checked_at timestamptz,
    latency_us bigint,
    created_at timestamptz not null,
    constraint device_pkey primary key (tenant_id, id),
    constraint device_address_key unique (tenant_id, agent_id, address),
    constraint device_agent_fkey foreign key (tenant_id, agent_id) references agent (tenant_id, id) on delete cascade,
    constraint device_state_check check (state in ('unknown', 'up', 'down')),
    constraint device_latency_check check (latency_us >= 0)
) with (fillfactor = 80);

-- The order of the list.
create index device_list_idx on device (tenant_id, address, id);

select core.isolate('device');
