-- Who did what, in the transaction that did it. A row is written unsealed; within a second the sealer of its tenant numbers it without a gap
-- and chains it: mac = HMAC(key, mac before || number || row). `data` is JSON, and text here, because the seal covers it as it was written.
--
-- Not partitioned by month: how long rows are kept depends on each tenant's plan, so no month could ever be dropped as a whole, and a
-- partitioned table could not promise that a number is given once.
create table audit_entry (
    tenant_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    action text not null,
    version integer not null,
    severity text not null,
    actor_kind text not null,
    actor_id uuid,
    on_behalf_of uuid,
    resource text not null,
    data text not null,
    request_id uuid,
    address inet,
    user_agent text,
    number bigint,
    salt bytea,
    origin_digest bytea,
    mac bytea,
    constraint audit_entry_pkey primary key (tenant_id, id),
    constraint audit_entry_number_key unique (tenant_id, number),
    constraint audit_entry_number_check check (number > 0),
    constraint audit_entry_seal_check check ((number is null) = (mac is null) and (number is null) = (origin_digest is null)),
    constraint audit_entry_actor_check check (actor_kind in ('user', 'key', 'agent', 'admin', 'system', 'anonymous')),
    constraint audit_entry_behalf_check check (on_behalf_of is null or actor_kind = 'admin'),
    constraint audit_entry_severity_check check (severity in ('info', 'notice', 'warning', 'critical')),
    constraint audit_entry_user_agent_check check (length(user_agent) <= 300)
);

create index audit_entry_at_idx on audit_entry (tenant_id, at, id);
create index audit_entry_unsealed_idx on audit_entry (tenant_id, id) where number is null;

-- The application adds rows and reads its tenant's. It can neither seal nor change nor delete.
select core.isolate(
    'audit_entry',
    privileges => 'select, insert (tenant_id, id, at, action, version, severity, actor_kind, actor_id, on_behalf_of, resource, data, '
               || 'request_id, address, user_agent)');
revoke insert, update on audit_entry from saas_system;
grant insert (tenant_id, id, at, action, version, severity, actor_kind, actor_id, on_behalf_of, resource, data, request_id, address,
    user_agent) on audit_entry to saas_system;
grant update (address, user_agent, number, salt, origin_digest, mac) on audit_entry to saas_system;

create trigger audit_guard before update or delete on audit_entry for each row execute function core.audit_guard();

-- The signed end of each chain, and its signed beginning once older entries are pruned. There is one row a tenant and no history of it: an
-- older head would let whoever cuts the chain put it back. Copies are for other places (`audit checkpoint`).
create table audit_head (
    tenant_id uuid not null,
    sealed bigint not null,
    mac bytea not null,
    pruned bigint not null,
    pruned_mac bytea not null,
    at timestamptz not null,
    signature bytea not null,
    constraint audit_head_pkey primary key (tenant_id),
    constraint audit_head_count_check check (sealed >= pruned and pruned >= 0)
);

select core.isolate('audit_head', privileges => 'select');
revoke delete on audit_head from saas_system;
