-- One browser or program that a person has signed in with. Only the token's hash is here. Ended, not deleted: a replay finds nothing.
create table auth.session (
    id uuid not null,
    user_id uuid not null,
    token_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    last_seen_at timestamptz not null,
    remembered boolean not null,
    address inet,
    user_agent text,
    ended_at timestamptz,
    constraint session_pkey primary key (id),
    constraint session_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint session_token_key unique (token_hash),
    constraint session_token_check check (length(token_hash) = 32),
    constraint session_user_agent_check check (length(user_agent) <= 512)
);

create index session_user_idx on auth.session (user_id) where ended_at is null;

grant select, insert, update, delete on table auth.session to saas_system;

-- Session, person and memberships in one statement: the application login knows the hash before it knows any tenant.
create function auth.session_lookup(hash bytea, now timestamptz)
returns table (
    session_id uuid,
    user_id uuid,
    name text,
    email text,
    verified boolean,
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
    where session.token_hash = session_lookup.hash
      and session.ended_at is null
      and session.expires_at > session_lookup.now
      and person.state = 'active';
end
$$;

revoke all on function auth.session_lookup(bytea, timestamptz) from public;
grant execute on function auth.session_lookup(bytea, timestamptz) to saas_app;
