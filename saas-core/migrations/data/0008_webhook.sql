-- Where a tenant wants to be told what happens. No events named: all of them.
create table webhook_endpoint (
    tenant_id uuid not null,
    id uuid not null,
    url text not null,
    description text not null,
    events text[] not null,
    state text not null default 'active',
    -- The first failure that no success has followed.
    failing_since timestamptz,
    created_at timestamptz not null,
    constraint webhook_endpoint_pkey primary key (tenant_id, id),
    constraint webhook_endpoint_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint webhook_endpoint_url_check check (length(url) between 1 and 2000),
    constraint webhook_endpoint_description_check check (length(description) <= 200),
    constraint webhook_endpoint_events_check check (cardinality(events) <= 100),
    -- Paused by a person; gone: it said so (410); failing: nothing but failures for days.
    constraint webhook_endpoint_state_check check (state in ('active', 'paused', 'gone', 'failing'))
);

select core.isolate('webhook_endpoint');

-- What deliveries to an endpoint are signed with. The one that does not expire is the newest; others sign beside it until they do.
create table webhook_secret (
    tenant_id uuid not null,
    id uuid not null,
    endpoint_id uuid not null,
    sealed bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    constraint webhook_secret_pkey primary key (tenant_id, id),
    constraint webhook_secret_endpoint_fkey foreign key (tenant_id, endpoint_id)
        references webhook_endpoint (tenant_id, id) on delete cascade
);

create unique index webhook_secret_current_key on webhook_secret (tenant_id, endpoint_id) where expires_at is null;
create index webhook_secret_endpoint_idx on webhook_secret (tenant_id, endpoint_id, created_at);

select core.isolate('webhook_secret');

-- What is sent, to the byte: what was signed and what is sent again is this text. Its id is the event's.
create table webhook_message (
    tenant_id uuid not null,
    id uuid not null,
    event text not null,
    body text not null,
    at timestamptz not null,
    constraint webhook_message_pkey primary key (tenant_id, id),
    constraint webhook_message_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint webhook_message_body_check check (octet_length(body) <= 20000)
);

-- What is swept away.
create index webhook_message_at_idx on webhook_message (at);

select core.isolate('webhook_message', privileges => 'select, insert');

-- A message on its way to one endpoint. `attempt` counts all attempts there ever were, and only who made the last one may say how it went;
-- `tries` counts those since it was last asked for. A delivery that is being sent is due again when its sender should long have come back.
create table webhook_delivery (
    tenant_id uuid not null,
    endpoint_id uuid not null,
    message_id uuid not null,
    state text not null default 'waiting',
    attempt integer not null default 0,
    tries integer not null default 0,
    due_at timestamptz not null,
    finished_at timestamptz,
    constraint webhook_delivery_pkey primary key (tenant_id, endpoint_id, message_id),
    constraint webhook_delivery_endpoint_fkey foreign key (tenant_id, endpoint_id)
        references webhook_endpoint (tenant_id, id) on delete cascade,
    constraint webhook_delivery_message_fkey foreign key (tenant_id, message_id)
        references webhook_message (tenant_id, id) on delete cascade,
    constraint webhook_delivery_state_check check (state in ('waiting', 'sending', 'delivered', 'failed')),
    constraint webhook_delivery_finished_check check ((state in ('delivered', 'failed')) = (finished_at is not null))
);

create index webhook_delivery_due_idx on webhook_delivery (tenant_id, endpoint_id, due_at) where state in ('waiting', 'sending');
create index webhook_delivery_sending_idx on webhook_delivery (tenant_id, endpoint_id) where state = 'sending';
create index webhook_delivery_message_idx on webhook_delivery (tenant_id, message_id);
-- A queue is rewritten all day: a share of its rows says nothing about how much of it is dead.
alter table webhook_delivery set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The application asks for a delivery, or for one more. How it went is the sender's to say.
select core.isolate(
    'webhook_delivery',
    privileges => 'select, insert (tenant_id, endpoint_id, message_id, due_at), update (state, tries, due_at, finished_at)');

-- How each attempt went. `response` is the beginning of what was answered, with what looks like a secret taken out.
create table webhook_attempt (
    tenant_id uuid not null,
    endpoint_id uuid not null,
    message_id uuid not null,
    number integer not null,
    at timestamptz not null,
    duration_ms integer not null,
    status integer,
    error text,
    response text not null,
    constraint webhook_attempt_pkey primary key (tenant_id, endpoint_id, message_id, number),
    constraint webhook_attempt_delivery_fkey foreign key (tenant_id, endpoint_id, message_id)
        references webhook_delivery (tenant_id, endpoint_id, message_id) on delete cascade,
    constraint webhook_attempt_outcome_check check ((status is null) = (error is not null)),
    constraint webhook_attempt_error_check check (error in ('unreachable', 'timeout', 'internal')),
    constraint webhook_attempt_response_check check (octet_length(response) <= 65536)
);

select core.isolate('webhook_attempt', privileges => 'select');
