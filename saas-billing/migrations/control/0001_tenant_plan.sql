-- The plan that a tenant is on. A tenant without a row is on the catalogue's default plan.
create table billing.tenant_plan (
    tenant_id uuid not null,
    plan text not null,
    since timestamptz not null,
    constraint tenant_plan_pkey primary key (tenant_id),
    constraint tenant_plan_tenant_fkey foreign key (tenant_id) references core.tenant (id)
);

select core.isolate('billing.tenant_plan', privileges => 'select');
