-- What a tenant has whatever it pays: given by whoever runs the product, for a reason and perhaps for a time.
alter table billing.tenant_plan
    add column until timestamptz,
    add column reason text not null default '',
    add constraint tenant_plan_reason_check check (length(reason) <= 500);

-- Whose customer at the gateway a tenant is. Whoever has been one stays the one: another tenant is never bound to it.
create table billing.customer (
    tenant_id uuid not null,
    id text not null,
    created_at timestamptz not null,
    deleted_at timestamptz,
    constraint customer_pkey primary key (tenant_id),
    constraint customer_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint customer_id_check check (length(id) between 1 and 200)
);

create unique index customer_id_idx on billing.customer (id);
comment on index billing.customer_id_idx is 'global: what the gateway says of a customer is for one tenant; the ids are the gateway''s, and tenants choose none';

select core.isolate('billing.customer', privileges => 'select');

-- Subscriptions as the gateway had them when they were last read there.
create table billing.subscription (
    tenant_id uuid not null,
    id text not null,
    plan text not null,
    period text not null,
    currency text not null,
    quantity bigint not null,
    state text not null,
    created_at timestamptz not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    trial_end timestamptz,
    cancel_at timestamptz,
    ended_at timestamptz,
    past_due_since timestamptz,
    failed_attempts integer not null default 0,
    read_at timestamptz not null,
    constraint subscription_pkey primary key (tenant_id, id),
    constraint subscription_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint subscription_id_check check (length(id) between 1 and 200),
    constraint subscription_period_check check (period in ('month', 'year')),
    constraint subscription_currency_check check (length(currency) = 3),
    constraint subscription_quantity_check check (quantity between 0 and 1000000),
    constraint subscription_state_check check (
        state in ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled')
    ),
    constraint subscription_times_check check (period_start <= period_end),
    constraint subscription_attempts_check check (failed_attempts >= 0)
);

create unique index subscription_id_idx on billing.subscription (id);
comment on index billing.subscription_id_idx is 'global: a subscription is one tenant''s; the ids are the gateway''s, and tenants choose none';

select core.isolate('billing.subscription', privileges => 'select');

-- Invoices, likewise.
create table billing.invoice (
    tenant_id uuid not null,
    id text not null,
    subscription_id text,
    number text,
    state text not null,
    currency text not null,
    total bigint not null,
    paid bigint not null,
    due bigint not null,
    attempts integer not null,
    page_url text,
    pdf_url text,
    created_at timestamptz not null,
    paid_at timestamptz,
    read_at timestamptz not null,
    constraint invoice_pkey primary key (tenant_id, id),
    constraint invoice_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint invoice_subscription_fkey foreign key (tenant_id, subscription_id) references billing.subscription (tenant_id, id),
    constraint invoice_id_check check (length(id) between 1 and 200),
    constraint invoice_state_check check (state in ('draft', 'open', 'paid', 'uncollectible', 'void')),
    constraint invoice_currency_check check (length(currency) = 3),
    constraint invoice_attempts_check check (attempts >= 0)
);

create unique index invoice_id_idx on billing.invoice (id);
comment on index billing.invoice_id_idx is 'global: an invoice is one tenant''s; the ids are the gateway''s, and tenants choose none';
create index invoice_created_idx on billing.invoice (tenant_id, created_at desc);

select core.isolate('billing.invoice', privileges => 'select');

-- A limit or a feature that is another one for a tenant than its plan says. For a limit the most that there may be, none for no limit; for a
-- feature 0 or 1.
create table billing.override (
    tenant_id uuid not null,
    name text not null,
    value bigint,
    reason text not null,
    until timestamptz,
    since timestamptz not null,
    constraint override_pkey primary key (tenant_id, name),
    constraint override_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint override_value_check check (value between 0 and 4294967295),
    constraint override_reason_check check (length(reason) between 1 and 500)
);

select core.isolate('billing.override', privileges => 'select');

-- Everything that decides what a tenant may do, in one call: for the layer, which asks before a transaction is opened, and for what is decided
-- inside of one. There it answers of that transaction's tenant alone.
create function billing.holding(tenant uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    own constant text := nullif(current_setting('saas.tenant_id', true), '');
begin
    if own is not null and own::uuid <> tenant then
        return '{}'::jsonb;
    end if;
    return jsonb_build_object(
        'grant', (
            select jsonb_build_object('plan', g.plan, 'until', g.until)
            from billing.tenant_plan g where g.tenant_id = tenant
        ),
        'subscriptions', (
            select coalesce(jsonb_agg(to_jsonb(s) - array['tenant_id', 'read_at'] order by s.created_at desc, s.id), '[]'::jsonb)
            from billing.subscription s
            where s.tenant_id = tenant and s.state not in ('incomplete', 'incomplete_expired', 'canceled')
        ),
        'overrides', (
            select coalesce(jsonb_agg(jsonb_build_object('name', o.name, 'value', o.value, 'until', o.until) order by o.name), '[]'::jsonb)
            from billing.override o where o.tenant_id = tenant
        )
    );
end
$$;

revoke all on function billing.holding(uuid) from public;
grant execute on function billing.holding(uuid) to saas_app, saas_system;
