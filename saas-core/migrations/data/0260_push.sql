-- How a person wants to be told, in the browsers that they allowed too.
alter table notification_preference drop constraint notification_preference_channel_check;
alter table notification_preference add constraint notification_preference_channel_check check (channel in ('list', 'mail', 'push'));

-- A message on its way to one browser of a person. Its id is the event's; what is about the same has one cause for ten minutes. Only who made the
-- last attempt may say how it went. Dropped: nobody was there to read it. A person's browser is of no tenant, so nothing refers to it.
create table push_message (
    tenant_id uuid not null,
    browser_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    kind text not null,
    cause text not null,
    urgency text not null,
    body text not null,
    at timestamptz not null,
    state text not null default 'waiting',
    attempts integer not null default 0,
    due_at timestamptz not null,
    status integer,
    error text,
    ended_at timestamptz,
    constraint push_message_pkey primary key (tenant_id, browser_id, id),
    constraint push_message_cause_key unique (tenant_id, browser_id, cause),
    constraint push_message_member_fkey foreign key (tenant_id, user_id) references core.member (tenant_id, user_id),
    constraint push_message_kind_check check (length(kind) between 1 and 100),
    constraint push_message_cause_check check (length(cause) between 1 and 200),
    constraint push_message_urgency_check check (urgency in ('normal', 'high')),
    constraint push_message_body_check check (octet_length(body) <= 4096),
    constraint push_message_state_check check (state in ('waiting', 'delivered', 'failed', 'dropped')),
    constraint push_message_error_check check (error in ('unreachable', 'timeout', 'expired', 'internal')),
    constraint push_message_ended_check check ((state = 'waiting') = (ended_at is null))
);

-- What is swept away.
create index push_message_at_idx on push_message (at);

select core.isolate('push_message', privileges => 'select');
