-- What is to be done later, and for whom. When it is done is the business of the job library, whose tables lie in a schema of its own
-- (`Db::migrate` makes it first) and hold a job's id and its time: the alarm. Payload, tenant, attempts and the right to finish are here,
-- behind the tenant wall. Bodies are plpgsql because the library's tables need not exist yet.
create table core.job (
    id uuid not null,
    -- Nobody's, if the program itself wants it done.
    tenant_id uuid,
    name text not null,
    payload jsonb not null,
    lane smallint not null,
    unique_key text,
    state text not null default 'waiting',
    -- The library's row that will ring, or rang.
    alarm bigint,
    -- Its place among all tenants' waiting jobs; none before it is due and once it has begun.
    turn bigint,
    -- Counts each time that somebody begins. Only the last one who began may finish.
    run integer not null default 0,
    attempt integer not null default 0,
    attempts integer not null,
    error text,
    enqueued_at timestamptz not null,
    due_at timestamptz not null,
    begun_at timestamptz,
    died_at timestamptz,
    constraint job_pkey primary key (id),
    constraint job_state_check check (state in ('waiting', 'running', 'dead')),
    constraint job_name_check check (length(name) between 1 and 100),
    constraint job_unique_key_check check (length(unique_key) between 1 and 200),
    constraint job_attempts_check check (attempts between 1 and 1000),
    constraint job_died_check check ((state = 'dead') = (died_at is not null))
);

comment on index core.job_pkey is 'global: ids are random, and no login but the system sees the table; jobs without a tenant are in it';

-- One job of a name and key waits at a time.
create unique index job_unique_key on core.job (tenant_id, name, unique_key) nulls not distinct
    where state = 'waiting' and unique_key is not null;
create index job_turn_idx on core.job (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid), lane, turn) where turn is not null;
create index job_dead_idx on core.job (died_at) where state = 'dead';
-- A queue is rewritten all day: a share of its rows says nothing about how much of it is dead.
alter table core.job set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

select core.isolate('core.job');
-- The application asks for a job through the function below, and can neither read the queue nor change it.
revoke all on table core.job from saas_app;

-- The next turn of a tenant. Turns are a virtual time in microseconds since 1970, at which alarms ring that are due: the library takes the
-- earliest alarm first. A tenant's jobs follow each other at a distance of two; whoever has none waiting comes in right behind the job that
-- is next, whatever it is. So ten thousand jobs of one tenant are one job ahead of another's. Nothing is locked: transactions that enqueue
-- for one tenant at the same moment may share turns.
create function core.job_turn(p_tenant uuid, p_lane smallint) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return greatest(
        1 + coalesce((
            select (extract(epoch from alarm.run_at) * 1000000)::bigint
            from graphile_worker._private_jobs alarm
            where alarm.is_available and alarm.priority = 0 and alarm.run_at < '2000-01-01 00:00:00+00'
            order by alarm.run_at
            limit 1
        ), 0),
        2 + coalesce((
            select max(job.turn)
            from core.job job
            where coalesce(job.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid)
                    = coalesce(p_tenant, '00000000-0000-0000-0000-000000000000'::uuid)
                and job.lane = p_lane and job.turn is not null
        ), 0));
end
$$;

-- Sets the alarm of a job that waits: at its turn if it is due, else after the delay.
create function core.job_ring(p_id uuid, p_delay bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    job core.job;
    next_turn bigint;
    rings_at timestamptz;
    new_alarm bigint;
begin
    select * into strict job from core.job where id = p_id;
    if p_delay > 0 then
        rings_at := now() + p_delay * interval '1 microsecond';
    else
        next_turn := core.job_turn(job.tenant_id, job.lane);
        rings_at := '1970-01-01 00:00:00+00'::timestamptz + next_turn * interval '1 microsecond';
    end if;
    select id into new_alarm
    from graphile_worker.add_job(
        identifier => job.name, payload => json_build_object('id', p_id), run_at => rings_at, max_attempts => 32767, priority => 0);
    update core.job
    set alarm = new_alarm, turn = next_turn, due_at = now() + greatest(p_delay, 0) * interval '1 microsecond'
    where id = p_id;
end
$$;

-- Puts a job into the queue, or finds the one that waits for the same. That one is locked until the caller's end, so that it cannot begin
-- before what the caller wrote can be seen.
create function core.job_put(
    p_id uuid, p_tenant uuid, p_name text, p_payload jsonb, p_lane smallint, p_key text, p_attempts integer, p_delay bigint,
    p_at timestamptz
) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known uuid;
begin
    loop
        insert into core.job (id, tenant_id, name, payload, lane, unique_key, attempts, enqueued_at, due_at)
        values (p_id, p_tenant, p_name, p_payload, p_lane, p_key, p_attempts, p_at, now())
        on conflict (tenant_id, name, unique_key) where state = 'waiting' and unique_key is not null do nothing;
        if found then
            perform core.job_ring(p_id, p_delay);
            return p_id;
        end if;
        select id into known
        from core.job
        where tenant_id is not distinct from p_tenant and name = p_name and unique_key = p_key and state = 'waiting'
        for share;
        if found then
            return known;
        end if;
    end loop;
end
$$;

-- The application's way in: the tenant is the transaction's and nobody else's.
create function core.job_add(
    p_id uuid, p_name text, p_payload jsonb, p_lane smallint, p_key text, p_attempts integer, p_delay bigint, p_at timestamptz
) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    own constant uuid := nullif(current_setting('saas.tenant_id', true), '')::uuid;
begin
    if own is null then
        raise exception 'a job is enqueued in the transaction of a tenant'
            using errcode = 'check_violation', schema = 'core', table = 'job', constraint = 'job_tenant';
    end if;
    return core.job_put(p_id, own, p_name, p_payload, p_lane, p_key, p_attempts, p_delay, p_at);
end
$$;

-- Somebody begins. Says what to do: 'run', or nothing if there is no such job any more, it waits for another alarm, or may not run.
create function core.job_begin(p_id uuid, p_alarm bigint, p_at timestamptz)
returns table (tenant_id uuid, payload jsonb, run integer, attempt integer, attempts integer)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    job core.job;
    tenant_state text;
begin
    select * into job from core.job where core.job.id = p_id for update;
    if job.id is null or job.alarm is distinct from p_alarm or job.state = 'dead' then
        delete from graphile_worker._private_jobs where id = p_alarm;
        return;
    end if;
    if job.tenant_id is not null then
        select tenant.state into tenant_state from core.tenant tenant where tenant.id = job.tenant_id;
        if tenant_state is distinct from 'active' then
            delete from graphile_worker._private_jobs where id = p_alarm;
            if tenant_state = 'suspended' then
                -- Looked at again later, as often as it takes.
                perform core.job_wait(p_id, 600000000);
            else
                delete from core.job where core.job.id = p_id;
            end if;
            return;
        end if;
    end if;
    if job.attempt >= job.attempts then
        -- Nobody came back from the last attempt to say how it went.
        perform core.job_die(p_id, coalesce(job.error, 'the program ended during the last attempt'), p_at);
        return;
    end if;
    return query
    update core.job
    set state = 'running', turn = null, run = core.job.run + 1, attempt = core.job.attempt + 1, begun_at = p_at
    where core.job.id = p_id
    returning core.job.tenant_id, core.job.payload, core.job.run, core.job.attempt, core.job.attempts;
end
$$;

-- Lets a job wait again, unless another waits that does the same.
create function core.job_wait(p_id uuid, p_delay bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    begin
        update core.job set state = 'waiting', died_at = null where id = p_id;
    exception when unique_violation then
        delete from core.job where id = p_id;
        return;
    end;
    perform core.job_ring(p_id, p_delay);
end
$$;

-- A dead letter: kept until somebody replays it.
create function core.job_die(p_id uuid, p_error text, p_at timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    old_alarm bigint;
begin
    select alarm into old_alarm from core.job where id = p_id;
    update core.job set state = 'dead', alarm = null, turn = null, error = p_error, died_at = p_at where id = p_id;
    delete from graphile_worker._private_jobs where id = old_alarm;
end
$$;

-- Finishes a job, if nobody has begun it since.
create function core.job_end(p_id uuid, p_run integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    old_alarm bigint;
begin
    delete from core.job where id = p_id and run = p_run and state = 'running' returning alarm into old_alarm;
    if not found then
        return false;
    end if;
    delete from graphile_worker._private_jobs where id = old_alarm;
    return true;
end
$$;

-- The same in the transaction of the handler, so that what it did and that it is done are one.
create function core.job_complete(p_id uuid, p_run integer) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from core.job
        where id = p_id and tenant_id = nullif(current_setting('saas.tenant_id', true), '')::uuid
    ) then
        return false;
    end if;
    return core.job_end(p_id, p_run);
end
$$;

-- An attempt failed, if nobody has begun another since: it waits for the next one, or is a dead letter. Says which.
create function core.job_fail(p_id uuid, p_run integer, p_error text, p_delay bigint, p_is_final boolean, p_at timestamptz) returns text
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
    if p_is_final or job.attempt >= job.attempts then
        perform core.job_die(p_id, p_error, p_at);
        return 'dead';
    end if;
    update core.job set error = p_error where id = p_id;
    delete from graphile_worker._private_jobs where id = job.alarm;
    perform core.job_wait(p_id, p_delay);
    return 'waiting';
end
$$;

-- Gives a dead letter all its attempts again. False if there is none such.
create function core.job_replay(p_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update core.job set attempt = 0 where id = p_id and state = 'dead';
    if not found then
        return false;
    end if;
    perform core.job_wait(p_id, 0);
    return true;
end
$$;

-- Gives turns to jobs whose time came later than their enqueueing, so that they too wait in their tenant's row. Until then they come after
-- those who have one, and at once where nobody waits.
create function core.job_promote(p_limit integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    due record;
    next_turn bigint;
    promoted integer := 0;
begin
    for due in
        select alarm.id as alarm, job.id, job.tenant_id, job.lane
        from graphile_worker._private_jobs alarm
        join core.job job on job.id = (alarm.payload ->> 'id')::uuid and job.alarm = alarm.id
        where alarm.is_available and alarm.priority = 0 and alarm.run_at >= '2000-01-01 00:00:00+00' and alarm.run_at <= now()
        order by alarm.run_at
        limit p_limit
        for update skip locked
    loop
        next_turn := core.job_turn(due.tenant_id, due.lane);
        update graphile_worker._private_jobs
        set run_at = '1970-01-01 00:00:00+00'::timestamptz + next_turn * interval '1 microsecond'
        where id = due.alarm;
        update core.job set turn = next_turn where id = due.id;
        promoted := promoted + 1;
    end loop;
    return promoted;
end
$$;

do $$
declare
    target regprocedure;
begin
    for target in
        select p.oid from pg_proc p where p.pronamespace = 'core'::regnamespace and p.proname ~ '^job_'
    loop
        execute format('revoke all on function %s from public', target);
        execute format('grant execute on function %s to saas_system', target);
    end loop;
    grant execute on function core.job_add(uuid, text, jsonb, smallint, text, integer, bigint, timestamptz) to saas_app;
    grant execute on function core.job_complete(uuid, integer) to saas_app;
end
$$;
