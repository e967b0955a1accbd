-- A job may be put off without an attempt: what stands in its way stands in everybody's, and may do so for longer than it has attempts.
drop function core.job_fail(uuid, integer, text, bigint, boolean, timestamptz);

-- An attempt failed, if nobody has begun another since: it waits for the next one (`again`, or `put_off` where nothing was tried) or is a dead letter
-- (`never`, or the last). Says which.
create function core.job_fail(p_id uuid, p_run integer, p_error text, p_delay bigint, p_next text, p_at timestamptz) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    job core.job;
begin
    select * into job from core.job where id = p_id and run = p_run and state = 'running' for update;
    if not found then
        return 'superseded';
    end if;
    if p_next = 'never' or (p_next = 'again' and job.attempt >= job.attempts) then
        perform core.job_die(p_id, p_error, p_at);
        return 'dead';
    end if;
    update core.job set error = p_error, attempt = attempt - (p_next = 'put_off')::integer where id = p_id;
    delete from graphile_worker._private_jobs where id = job.alarm;
    perform core.job_wait(p_id, p_delay);
    return 'waiting';
end
$$;

-- Gives turns to jobs whose time came later than their enqueueing, so that they too wait in their tenant's row. Until then they come after
-- those who have one, and at once where nobody waits. Of the oldest that wait, those are first of whose tenant fewer do: thousands of one delay
-- another's no longer here than later in the row.
create or replace function core.job_promote(p_limit integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    due record;
    next_turn bigint;
    promoted integer := 0;
begin
    for due in
        with oldest as (
            select alarm.id as alarm, job.id, job.tenant_id, job.lane, alarm.run_at
            from graphile_worker._private_jobs alarm
            join core.job job on job.id = (alarm.payload ->> 'id')::uuid and job.alarm = alarm.id
            where alarm.is_available and alarm.priority = 0 and alarm.run_at >= '2000-01-01 00:00:00+00' and alarm.run_at <= now()
            order by alarm.run_at
            limit 20 * p_limit
        ), first as (
            select oldest.*, row_number() over (partition by oldest.tenant_id, oldest.lane order by oldest.run_at) as place
            from oldest
            order by place, oldest.run_at
            limit p_limit
        )
        select first.alarm, first.id, first.tenant_id, first.lane
        from first
        join graphile_worker._private_jobs alarm on alarm.id = first.alarm
        order by first.place, first.run_at
        for update of alarm skip locked
    loop
        next_turn := core.job_turn(due.tenant_id, due.lane);
        update graphile_worker._private_jobs
        set run_at = '1970-01-01 00:00:00+00'::timestamptz + next_turn * interval '1 microsecond'
        where id = due.alarm and is_available and run_at >= '2000-01-01 00:00:00+00';
        if found then
            update core.job set turn = next_turn where id = due.id;
            promoted := promoted + 1;
        end if;
    end loop;
    return promoted;
end
$$;

revoke all on function core.job_fail(uuid, integer, text, bigint, text, timestamptz) from public;
grant execute on function core.job_fail(uuid, integer, text, bigint, text, timestamptz) to saas_system;
