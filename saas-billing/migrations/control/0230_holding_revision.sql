-- What a tenant holds is kept by the programs for as long as its revision is the same.
create constraint trigger tenant_plan_revised
    after insert or update or delete on billing.tenant_plan
    deferrable initially deferred
    for each row
    execute function core.tenant_revised();

create constraint trigger subscription_revised
    after insert or update or delete on billing.subscription
    deferrable initially deferred
    for each row
    execute function core.tenant_revised();

create constraint trigger override_revised
    after insert or update or delete on billing.override
    deferrable initially deferred
    for each row
    execute function core.tenant_revised();

-- For whoever keeps it: what billing.holding says, and the revision of which it is. Inside of a transaction of a tenant, of that one alone.
create function billing.holding_revised(tenant uuid)
returns table (revision bigint, held jsonb)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select tenant.revision, billing.holding(tenant.id)
    from core.tenant
    where tenant.id = holding_revised.tenant
      and tenant.id = coalesce(nullif(current_setting('saas.tenant_id', true), '')::uuid, tenant.id)
$$;

revoke all on function billing.holding_revised(uuid) from public;
grant execute on function billing.holding_revised(uuid) to saas_app, saas_system;
