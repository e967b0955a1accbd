-- What decides what people may do in a tenant changes seldom and is asked for by every request. Programs keep it, and each request learns from the
-- look-up of who is calling whether what is kept counts still: every change of it is a new revision of its tenant, in the same transaction.
alter table core.tenant add column revision bigint not null default 0;

-- For tables with a column tenant_id. A constraint trigger that is deferred to the end, so that whoever changes such a row waits for nobody who
-- holds the tenant's and wants this one.
create function core.tenant_revised() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update core.tenant set revision = revision + 1 where id = coalesce(new.tenant_id, old.tenant_id);
    return null;
end
$$;

revoke all on function core.tenant_revised() from public;
