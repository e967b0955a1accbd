-- The two nouns. Every other crate extends them with a foreign key downward.
create table core.tenant (
    id uuid not null,
    slug text not null,
    name text not null,
    state text not null default 'active',
    created_at timestamptz not null,
    constraint tenant_pkey primary key (id),
    constraint tenant_slug_key unique (slug),
    constraint tenant_slug_check check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) between 2 and 63),
    constraint tenant_name_check check (length(name) between 1 and 100),
    constraint tenant_state_check check (state in ('active', 'suspended', 'deleted'))
);

create table core.user (
    id uuid not null,
    state text not null default 'active',
    created_at timestamptz not null,
    constraint user_pkey primary key (id),
    constraint user_state_check check (state in ('active', 'suspended', 'deleted'))
);

revoke all on table core.user from public;
grant select, insert, update, delete on table core.user to saas_system;

-- A person's place in a tenant. Leaving sets left_at and never deletes, so that what they wrote keeps its author. Name and email are
-- copies of the account's, so that a tenant can show its people without reading anybody's account.
create table core.member (
    tenant_id uuid not null,
    user_id uuid not null,
    role text not null,
    name text not null,
    email text not null,
    joined_at timestamptz not null,
    left_at timestamptz,
    constraint member_pkey primary key (tenant_id, user_id),
    constraint member_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint member_user_fkey foreign key (user_id) references core.user (id),
    constraint member_role_check check (length(role) between 1 and 50),
    constraint member_name_check check (length(name) <= 100),
    constraint member_email_check check (length(email) <= 320)
);

create index member_user_idx on core.member (user_id) where left_at is null;

select core.isolate(
    'core.member',
    visible => 'user_id = (select nullif(current_setting(''saas.user_id'', true), '''')::uuid)');
select core.isolate(
    'core.tenant',
    tenant_column => 'id',
    privileges => 'select, insert, update',
    visible => 'id = any (array(select m.tenant_id from core.member m '
            || 'where m.user_id = (select nullif(current_setting(''saas.user_id'', true), '''')::uuid) and m.left_at is null))');

-- A living tenant has an owner, whoever demotes whom at the same moment: the tenant row is locked before owners are counted, and the
-- count is a statement of its own, so that it sees what the other transaction committed.
create function core.member_keep_owner() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform 1 from core.tenant where id = old.tenant_id and state <> 'deleted' for no key update;
    if found and not exists (
        select from core.member
        where tenant_id = old.tenant_id and role = 'owner' and left_at is null
    ) then
        raise exception 'the last owner cannot leave, be demoted or removed'
            using errcode = 'check_violation', schema = 'core', table = 'member', constraint = 'member_last_owner';
    end if;
    return null;
end
$$;

create trigger member_keep_owner
    after update or delete on core.member
    for each row
    when (old.role = 'owner' and old.left_at is null)
    execute function core.member_keep_owner();
