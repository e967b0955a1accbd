-- A machine that watches networks. It is here from the moment that somebody asks for its key.
create table agent (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    key_id uuid not null,
    state text not null default 'waiting',
    hostname text,
    version text,
    os text,
    networks text[] not null default '{}',
    created_by uuid not null,
    created_at timestamptz not null,
    last_seen_at timestamptz,
    constraint agent_pkey primary key (tenant_id, id),
    constraint agent_key_key unique (tenant_id, key_id),
    constraint agent_member_fkey foreign key (tenant_id, created_by) references core.member (tenant_id, user_id),
    constraint agent_name_check check (length(name) between 1 and 100),
    constraint agent_state_check check (state in ('waiting', 'connected', 'offline'))
);

select core.isolate('agent');
