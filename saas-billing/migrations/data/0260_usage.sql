-- What was used, as a record: how much of each meter in each hour (UTC), and by whom.
create table usage_hour (
    tenant_id uuid not null,
    meter text not null,
    hour timestamptz not null,
    by_kind text not null,
    -- The id of a person, key or agent, or the name of a tool; nothing for the program itself.
    by_id text not null,
    quantity bigint not null,
    constraint usage_hour_pkey primary key (tenant_id, meter, hour, by_kind, by_id),
    constraint usage_hour_hour_check check (extract(epoch from hour) % 3600 = 0),
    constraint usage_hour_by_check check (by_kind in ('user', 'key', 'agent', 'tool', 'system')),
    constraint usage_hour_quantity_check check (quantity > 0)
) with (fillfactor = 80);

-- Hours come one after the other, and are deleted so.
create index usage_hour_hour_idx on usage_hour using brin (hour);

-- What was used is added to, and nothing else of a row is ever written.
select core.isolate('usage_hour', privileges => 'select, insert, update (quantity)');

create trigger usage_hour_grows
    before update on usage_hour
    for each row
    when (new.quantity < old.quantity)
    execute function billing.usage_stays();

-- What was recorded one by one: the row is what counts a use once, and the proof of the sum.
create table usage_event (
    tenant_id uuid not null,
    meter text not null,
    event text not null,
    quantity bigint not null,
    at timestamptz not null,
    by_kind text not null,
    by_id text not null,
    recorded_at timestamptz not null,
    constraint usage_event_pkey primary key (tenant_id, meter, event),
    constraint usage_event_event_check check (length(event) between 1 and 200),
    constraint usage_event_by_check check (by_kind in ('user', 'key', 'agent', 'tool', 'system')),
    constraint usage_event_quantity_check check (quantity > 0)
);

create index usage_event_recorded_idx on usage_event using brin (recorded_at);

select core.isolate('usage_event', privileges => 'select, insert');
