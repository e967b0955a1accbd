-- A person's picture, made anew from what they sent. It is theirs and no tenant's, small, and goes with the account in one transaction: so it
-- lies here and not among the files of tenants.
create table auth.avatar (
    user_id uuid not null,
    -- Another picture has another id, so that a copy may be kept for ever.
    id uuid not null,
    small bytea not null,
    large bytea not null,
    created_at timestamptz not null,
    constraint avatar_pkey primary key (user_id),
    constraint avatar_id_key unique (id),
    constraint avatar_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint avatar_size_check check (octet_length(small) between 1 and 65536 and octet_length(large) between 1 and 262144)
);

-- What is compressed already is not compressed again.
alter table auth.avatar alter column small set storage external, alter column large set storage external;

grant select, insert, update, delete on table auth.avatar to saas_system;

drop function auth.session_lookup(bytea, timestamptz);

create function auth.session_lookup(hash bytea, now timestamptz)
returns table (
    session_id uuid,
    user_id uuid,
    name text,
    email text,
    verified boolean,
    avatar_id uuid,
    locale text,
    time_zone text,
    theme text,
    memberships jsonb,
    seen_long_ago boolean
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        session.id,
        session.user_id,
        account.name,
        account.email,
        account.verified_at is not null,
        avatar.id,
        person.locale,
        person.time_zone,
        person.theme,
        (
            select coalesce(
                jsonb_agg(
                    jsonb_build_object('id', tenant.id, 'slug', tenant.slug, 'name', tenant.name, 'role', member.role)
                    order by tenant.name, tenant.id),
                '[]')
            from core.member
            join core.tenant on tenant.id = member.tenant_id
            where member.user_id = session.user_id and member.left_at is null and tenant.state = 'active'
        ),
        session.last_seen_at < session_lookup.now - interval '1 minute'
    from auth.session
    join auth.account on account.user_id = session.user_id
    join core.user person on person.id = session.user_id
    left join auth.avatar on avatar.user_id = session.user_id
    where session.token_hash = session_lookup.hash
      and session.ended_at is null
      and session.expires_at > session_lookup.now
      and person.state = 'active';
end
$$;

revoke all on function auth.session_lookup(bytea, timestamptz) from public;
grant execute on function auth.session_lookup(bytea, timestamptz) to saas_app;
