-- What the relay needs to hand each event to every consumer exactly once: who has taken it, how often it failed, and when it is due again.
-- A row is waiting, relayed (and deleted after a while) or dead (given up, until somebody has it tried again).
alter table outbox
    add column severity text not null default 'info',
    add column on_behalf_of uuid,
    add column taken text[] not null default '{}',
    add column attempts integer not null default 0,
    add column next_at timestamptz not null default to_timestamp(0),
    add column error text,
    add column relayed_at timestamptz,
    add column dead_at timestamptz,
    drop constraint outbox_actor_check,
    add constraint outbox_actor_check check (actor_kind in ('user', 'key', 'agent', 'admin', 'system', 'anonymous')),
    add constraint outbox_behalf_check check (on_behalf_of is null or actor_kind = 'admin'),
    add constraint outbox_severity_check check (severity in ('info', 'notice', 'warning', 'critical')),
    add constraint outbox_end_check check (relayed_at is null or dead_at is null);

-- What never failed is due since ever, so it comes before what is tried again.
create index outbox_waiting_idx on outbox (next_at, id) where relayed_at is null and dead_at is null;
create index outbox_relayed_idx on outbox (relayed_at) where relayed_at is not null;
create index outbox_dead_idx on outbox (dead_at) where dead_at is not null;

-- The application records; what became of it is the relay's to say.
revoke insert on outbox from saas_app;
grant insert (tenant_id, id, name, version, severity, actor_kind, actor_id, on_behalf_of, subject, data, at) on outbox to saas_app;
