-- What somebody shared with a person: to look at it, or to work on it. What it is a share of is a row of another table, which its kind names; a
-- share goes with that row, and with the membership of its person.
create table core.share (
    tenant_id uuid not null,
    -- A kind of thing, `crate.noun`.
    kind text not null,
    resource_id uuid not null,
    user_id uuid not null,
    level text not null,
    shared_by uuid not null,
    shared_at timestamptz not null,
    constraint share_pkey primary key (tenant_id, kind, resource_id, user_id),
    constraint share_member_fkey foreign key (tenant_id, user_id) references core.member (tenant_id, user_id),
    constraint share_sharer_fkey foreign key (tenant_id, shared_by) references core.member (tenant_id, user_id),
    constraint share_kind_check check (length(kind) between 1 and 100),
    constraint share_level_check check (level in ('view', 'edit'))
);

create index share_user_idx on core.share (tenant_id, user_id);

select core.isolate('core.share');

-- A stream may hear more from now on, or less.
create function core.share_notice() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_notify('saas_access', concat('user ', coalesce(new.user_id, old.user_id)));
    return null;
end
$$;

revoke all on function core.share_notice() from public;

create trigger share_access_notice
    after insert or update or delete on core.share
    for each row
    execute function core.share_notice();

-- Whoever comes back begins with nothing.
create function core.share_end_with_member() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.share where tenant_id = new.tenant_id and user_id = new.user_id;
    return null;
end
$$;

revoke all on function core.share_end_with_member() from public;

create trigger member_share_end
    after update on core.member
    for each row
    when (old.left_at is null and new.left_at is not null)
    execute function core.share_end_with_member();

create function core.share_end_with_resource() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.share where tenant_id = old.tenant_id and kind = tg_argv[0] and resource_id = old.id;
    return null;
end
$$;

revoke all on function core.share_end_with_resource() from public;

-- Lets the rows of a table be shared, one by one: a migration calls it once for each such table, whose key is (tenant_id, id). Nothing else makes
-- shares end with what they are of, so nothing is shared of a table without it.
create function core.shareable(target regclass, kind text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        'create trigger share_end after delete on %s for each row execute function core.share_end_with_resource(%L)', target, kind);
end
$$;

revoke all on function core.shareable(regclass, text) from public;
