-- Browsers in which people want to be told. Each belongs to the session in which it was allowed. Where it is reached, and what it reads messages
-- with, lets its holder send there, so it is sealed; a browser is known again by the hash of its address. Of no tenant, and the application cannot
-- look into it: whose turn it is, is decided in transactions of the system. Of one that its person stopped the hash alone stays, by which it is
-- known again when its script asks for it in the next session.
create table core.push_browser (
    id uuid not null,
    user_id uuid not null,
    session_id uuid not null,
    endpoint_hash bytea not null,
    sealed bytea not null,
    -- The key of ours that it was asked with.
    server_key bytea not null,
    user_agent text,
    created_at timestamptz not null,
    -- Until when nothing is sent: its push service asked for a pause, or did not answer.
    rests_until timestamptz,
    -- Since when it is told nothing, because its person said so.
    stopped_at timestamptz,
    constraint push_browser_pkey primary key (id),
    constraint push_browser_user_fkey foreign key (user_id) references core.user (id),
    constraint push_browser_endpoint_key unique (endpoint_hash),
    constraint push_browser_endpoint_check check (length(endpoint_hash) = 32),
    constraint push_browser_server_key_check check (length(server_key) = 65),
    constraint push_browser_user_agent_check check (length(user_agent) <= 512),
    constraint push_browser_stopped_check check ((stopped_at is null) = (length(sealed) > 0))
);

create index push_browser_user_idx on core.push_browser (user_id, session_id);
create index push_browser_session_idx on core.push_browser (session_id);

revoke all on table core.push_browser from public;
grant select, insert, update, delete on table core.push_browser to saas_system;
