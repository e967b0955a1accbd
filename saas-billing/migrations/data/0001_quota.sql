-- How much of each limited thing a tenant uses. The row is the lock that makes a limit exact.
create table quota (
    tenant_id uuid not null,
    meter text not null,
    used bigint not null,
    constraint quota_pkey primary key (tenant_id, meter),
    constraint quota_used_check check (used >= 0)
);

select core.isolate('quota');
