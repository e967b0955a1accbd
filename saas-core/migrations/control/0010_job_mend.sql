-- Sets the alarm of jobs that have none: nothing of ours loses one, but the library's tables are its own, and a restore or an operator may
-- lose its rows. Without it such a job would be forgotten in silence.
create function core.job_mend() returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lost uuid;
    mended integer := 0;
begin
    for lost in
        select job.id
        from core.job job
        where job.state <> 'dead'
            and not exists (select from graphile_worker._private_jobs alarm where alarm.id = job.alarm)
        for update skip locked
    loop
        perform core.job_ring(lost, 0);
        mended := mended + 1;
    end loop;
    return mended;
end
$$;

revoke all on function core.job_mend() from public;
grant execute on function core.job_mend() to saas_system;
