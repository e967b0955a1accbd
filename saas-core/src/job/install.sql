-- What the job library's tables need after its own migrations, as the owner, each time: it enables row-level security and writes no
-- policies, and lets everybody call its functions.
do $$
declare
    target record;
begin
    revoke all on schema graphile_worker from public;
    grant usage on schema graphile_worker to saas_system;
    for target in
        select c.oid::regclass as name
        from pg_class c
        where c.relnamespace = 'graphile_worker'::regnamespace and c.relkind = 'r'
    loop
        execute format('revoke all on table %s from public', target.name);
        execute format('grant select, insert, update, delete on table %s to saas_system', target.name);
        if not exists (select from pg_policy p where p.polrelid = target.name and p.polname = 'system') then
            execute format('create policy system on %s to saas_system using (true) with check (true)', target.name);
        end if;
    end loop;
    -- The note of its migrations is read and never written.
    revoke insert, update, delete on table graphile_worker.migrations from saas_system;
    for target in
        select p.oid::regprocedure as name
        from pg_proc p
        where p.pronamespace = 'graphile_worker'::regnamespace
    loop
        execute format('revoke all on function %s from public', target.name);
        execute format('grant execute on function %s to saas_system', target.name);
    end loop;
    -- A queue is rewritten all day: a share of its rows says nothing about how much of it is dead.
    if not exists (
        select from pg_class c
        where c.oid = 'graphile_worker._private_jobs'::regclass and c.reloptions @> array['autovacuum_vacuum_threshold=2000']
    ) then
        alter table graphile_worker._private_jobs
            set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
    end if;
end
$$;
