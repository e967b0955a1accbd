-- Which batches of counts have been added to the sums: the row is what adds a batch once, whatever became of the answer to its commit. The
-- application login has no business with it.
create table billing.usage_batch (
    id uuid not null,
    at timestamptz not null,
    constraint usage_batch_pkey primary key (id)
);

create index usage_batch_at_idx on billing.usage_batch using brin (at);

grant select, insert, update, delete on table billing.usage_batch to saas_system;

create function billing.usage_stays() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'what was used is not taken back' using errcode = 'check_violation';
end
$$;

revoke all on function billing.usage_stays() from public;
