-- A tenant that its owners want gone is leaving for a while: nobody comes in, what it has rests, and an owner may bring it back. Then it is deleted
-- for good. Everything of it is purged but what the law keeps, and its row remains with no name, so that what comes late for it finds nobody.
alter table core.tenant
    drop constraint tenant_state_check,
    add column leaves_at timestamptz,
    add column purged_at timestamptz,
    add constraint tenant_state_check check (state in ('active', 'suspended', 'leaving', 'deleted')),
    add constraint tenant_leaving_check check ((state = 'leaving') = (leaves_at is not null)),
    add constraint tenant_purged_check check (purged_at is null or state = 'deleted');

create index tenant_leaving_idx on core.tenant (leaves_at) where state = 'leaving';
create index tenant_purge_idx on core.tenant (id) where state = 'deleted' and purged_at is null;

-- A tenant's end is the system's to write, so that no statement of the application's own can begin it.
revoke update on table core.tenant from saas_app;
grant update (slug, name, second_factor_required) on table core.tenant to saas_app;

-- What is deleted may be purged at any moment, its sealed log too, so nothing of it may come back.
create function core.tenant_stay_deleted() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'a deleted tenant does not come back'
        using errcode = 'check_violation', schema = 'core', table = 'tenant', constraint = 'tenant_stays_deleted';
end
$$;

create trigger tenant_stay_deleted
    before update on core.tenant
    for each row
    when (old.state = 'deleted' and new.state <> 'deleted')
    execute function core.tenant_stay_deleted();

-- As before, but a tenant that is leaving needs no owner who stays: people may delete their accounts together with it.
create or replace function core.member_keep_owner() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1 from core.tenant where id = old.tenant_id and state not in ('leaving', 'deleted') for no key update;
    if found and not exists (
        select from core.member
        where tenant_id = old.tenant_id and role = 'owner' and left_at is null and not core.leaves(user_id)
    ) then
        raise exception 'the last owner cannot leave, be demoted or removed'
            using errcode = 'check_violation', schema = 'core', table = 'member', constraint = 'member_last_owner';
    end if;
    return null;
end
$$;

create or replace function core.user_keep_owner() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1
    from core.tenant
    where state not in ('leaving', 'deleted')
      and id in (select tenant_id from core.member where user_id = new.id and role = 'owner' and left_at is null)
    order by id
    for no key update;
    if exists (
        select from core.member mine
        join core.tenant on tenant.id = mine.tenant_id and tenant.state not in ('leaving', 'deleted')
        where mine.user_id = new.id and mine.role = 'owner' and mine.left_at is null
          and not exists (
              select from core.member other
              where other.tenant_id = mine.tenant_id and other.role = 'owner' and other.left_at is null and not core.leaves(other.user_id)
          )
    ) then
        raise exception 'the last owner of a tenant cannot leave'
            using errcode = 'check_violation', schema = 'core', table = 'user', constraint = 'user_last_owner';
    end if;
    return null;
end
$$;

-- Whether somebody may be relied on to stay until the transaction ends: whoever wants to leave waits. The application login sees no person, and asks
-- this alone before it makes them the only owner of something.
create function core.stays(person uuid) returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1 from core.user who where who.id = stays.person and who.state = 'active' for share;
    return found;
end
$$;

revoke all on function core.stays(uuid) from public;
grant execute on function core.stays(uuid) to saas_app, saas_system;

-- As before, but the audit log of a tenant that is deleted goes with it.
create or replace function core.audit_guard() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    emptied record;
    pruned bigint;
begin
    if tg_op = 'DELETE' then
        if exists (select from core.tenant where id = old.tenant_id and state = 'deleted') then
            return old;
        end if;
        execute format('select pruned from %I.audit_head where tenant_id = $1', tg_table_schema) into pruned using old.tenant_id;
        if old.number is null or old.number > coalesce(pruned, 0) then
            raise exception 'an audit entry stays until its chain is pruned'
                using errcode = 'check_violation', constraint = 'audit_entry_kept';
        end if;
        return old;
    end if;
    if old.number is not null then
        emptied := old;
        emptied.address := null;
        emptied.user_agent := null;
        emptied.salt := null;
        if new is distinct from old and new is distinct from emptied then
            raise exception 'a sealed audit entry does not change'
                using errcode = 'check_violation', constraint = 'audit_entry_sealed';
        end if;
    end if;
    return new;
end
$$;

-- The end of a chain goes with the chain and never before.
create function core.audit_head_guard() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from core.tenant where id = old.tenant_id and state = 'deleted') then
        raise exception 'the end of an audit chain stays as long as its tenant'
            using errcode = 'check_violation', constraint = 'audit_head_kept';
    end if;
    return old;
end
$$;

-- As before, but the jobs of a tenant that is leaving wait as those of a suspended one do: it may come back.
create or replace function core.job_begin(p_id uuid, p_alarm bigint, p_at timestamptz)
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
            if tenant_state in ('suspended', 'leaving') then
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

-- All jobs of a tenant that is gone, with their alarms. Says how many they were.
create function core.job_forget(p_tenant uuid) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    forgotten bigint;
begin
    with gone as (
        delete from core.job where tenant_id = p_tenant returning alarm
    ), silenced as (
        delete from graphile_worker._private_jobs where id in (select alarm from gone)
    )
    select count(*) into forgotten from gone;
    return forgotten;
end
$$;

revoke all on function core.job_forget(uuid) from public;
grant execute on function core.job_forget(uuid) to saas_system;
