-- Somebody who wants to be deleted is leaving for a while: nothing lets them in but what lets them stay, and what they made rests. Then they are
-- deleted, and the row remains for what they wrote.
alter table core.user
    drop constraint user_state_check,
    add constraint user_state_check check (state in ('active', 'suspended', 'leaving', 'deleted'));

-- The application login sees no person, and asks this alone to count the owners that a tenant will keep.
create function core.leaves(person uuid) returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from core.user who where who.id = leaves.person and who.state in ('leaving', 'deleted'));
end
$$;

revoke all on function core.leaves(uuid) from public;
grant execute on function core.leaves(uuid) to saas_app, saas_system;

-- As before, but whoever is leaving does not count.
create or replace function core.member_keep_owner() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1 from core.tenant where id = old.tenant_id and state <> 'deleted' for no key update;
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

-- The same for somebody who leaves altogether: the tenants are locked, in the same order by everybody, before their owners are counted.
create function core.user_keep_owner() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1
    from core.tenant
    where state <> 'deleted'
      and id in (select tenant_id from core.member where user_id = new.id and role = 'owner' and left_at is null)
    order by id
    for no key update;
    if exists (
        select from core.member mine
        join core.tenant on tenant.id = mine.tenant_id and tenant.state <> 'deleted'
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

create trigger user_keep_owner
    after update on core.user
    for each row
    when (old.state <> new.state and new.state in ('leaving', 'deleted'))
    execute function core.user_keep_owner();
