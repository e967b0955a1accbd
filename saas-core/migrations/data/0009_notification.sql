-- What a person was told of: once for each event.
create table notification (
    tenant_id uuid not null,
    user_id uuid not null,
    event_id uuid not null,
    kind text not null,
    subject text not null,
    -- The texts and numbers that its sentence is made with.
    data jsonb not null,
    at timestamptz not null,
    read_at timestamptz,
    -- Whether it is in the person's list, and whether it waits for the daily mail.
    listed boolean not null,
    digest boolean not null,
    constraint notification_pkey primary key (tenant_id, user_id, event_id),
    constraint notification_member_fkey foreign key (tenant_id, user_id) references core.member (tenant_id, user_id),
    constraint notification_kind_check check (length(kind) between 1 and 100)
);

create index notification_list_idx on notification (tenant_id, user_id, at desc, event_id desc) where listed;
create index notification_unread_idx on notification (tenant_id, user_id) where listed and read_at is null;
create index notification_digest_idx on notification (tenant_id, user_id, at) where digest;

select core.isolate('notification', privileges => 'select, update');

-- How a person wants to be told of one kind of thing. Without a row, as the kind itself says.
create table notification_preference (
    tenant_id uuid not null,
    user_id uuid not null,
    kind text not null,
    channel text not null,
    frequency text not null,
    constraint notification_preference_pkey primary key (tenant_id, user_id, kind, channel),
    constraint notification_preference_member_fkey foreign key (tenant_id, user_id) references core.member (tenant_id, user_id),
    constraint notification_preference_kind_check check (length(kind) between 1 and 100),
    constraint notification_preference_channel_check check (channel in ('list', 'mail')),
    constraint notification_preference_frequency_check check (frequency in ('now', 'daily', 'off')),
    constraint notification_preference_list_check check (frequency <> 'daily' or channel = 'mail')
);

select core.isolate('notification_preference', privileges => 'select, insert, update');
