-- Where an organization's chat takes messages. The address lets its holder write there, so it is sealed; its host alone is shown. No kinds
-- named: all of them.
create table chat_channel (
    tenant_id uuid not null,
    id uuid not null,
    format text not null,
    name text not null,
    kinds text[] not null,
    host text not null,
    sealed bytea not null,
    state text not null default 'active',
    -- When the first message was given up that none has arrived after.
    failing_since timestamptz,
    -- Until when nothing is sent: it asked for a pause, or did not answer.
    rests_until timestamptz,
    created_at timestamptz not null,
    constraint chat_channel_pkey primary key (tenant_id, id),
    constraint chat_channel_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint chat_channel_format_check check (format in ('slack', 'json')),
    constraint chat_channel_name_check check (length(name) between 1 and 80),
    constraint chat_channel_kinds_check check (cardinality(kinds) <= 100),
    constraint chat_channel_host_check check (length(host) between 1 and 255),
    -- Paused by a person; refused: it said that there is nobody (404, 410).
    constraint chat_channel_state_check check (state in ('active', 'paused', 'refused'))
);

select core.isolate('chat_channel');

-- A message on its way to one channel, to the byte. Its id is the event's. Only who made the last attempt may say how it went. Dropped: the
-- channel was paused or refused while it waited.
create table chat_message (
    tenant_id uuid not null,
    channel_id uuid not null,
    id uuid not null,
    kind text not null,
    body text not null,
    at timestamptz not null,
    state text not null default 'waiting',
    attempts integer not null default 0,
    due_at timestamptz not null,
    status integer,
    error text,
    ended_at timestamptz,
    constraint chat_message_pkey primary key (tenant_id, channel_id, id),
    constraint chat_message_channel_fkey foreign key (tenant_id, channel_id) references chat_channel (tenant_id, id) on delete cascade,
    constraint chat_message_kind_check check (length(kind) between 1 and 100),
    constraint chat_message_body_check check (octet_length(body) <= 40000),
    constraint chat_message_state_check check (state in ('waiting', 'delivered', 'failed', 'dropped')),
    constraint chat_message_error_check check (error in ('unreachable', 'timeout', 'expired', 'internal')),
    constraint chat_message_ended_check check ((state = 'waiting') = (ended_at is null))
);

create index chat_message_latest_idx on chat_message (tenant_id, channel_id, at desc, id desc);
-- What is swept away.
create index chat_message_at_idx on chat_message (at);

select core.isolate('chat_message', privileges => 'select, insert, update');
