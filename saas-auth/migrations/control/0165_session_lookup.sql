-- Asked for by every request with a session, so it answers in rows, one for each organization: what a person has few of is put together
-- faster by the reader. With statistics of a small or growing table the server would read all of it; everything here is found by its key.
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
    methods text[],
    proved_at timestamptz,
    seen_long_ago boolean,
    tenant_id uuid,
    tenant_slug text,
    tenant_name text,
    role text,
    second_factor_required boolean
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
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
        session.methods,
        session.proved_at,
        session.last_seen_at < session_lookup.now - interval '1 minute',
        tenant.id,
        tenant.slug,
        tenant.name,
        member.role,
        tenant.second_factor_required
    from auth.session
    join auth.account on account.user_id = session.user_id
    join core.user person on person.id = session.user_id
    left join auth.avatar on avatar.user_id = session.user_id
    left join (core.member join core.tenant on tenant.id = member.tenant_id and tenant.state = 'active')
        on member.user_id = session.user_id and member.left_at is null
    where session.token_hash = session_lookup.hash
      and session.ended_at is null
      and session.expires_at > session_lookup.now
      and person.state = 'active';
end
$$;
revoke all on function auth.session_lookup(bytea, timestamptz) from public;
grant execute on function auth.session_lookup(bytea, timestamptz) to saas_app;
