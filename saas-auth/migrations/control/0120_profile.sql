-- What a page shows of its reader, and how, comes with the session.
drop function auth.session_lookup(bytea, timestamptz);

create function auth.session_lookup(hash bytea, now timestamptz)
returns table (
    session_id uuid,
    user_id uuid,
    name text,
    email text,
    verified boolean,
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
    where session.token_hash = session_lookup.hash
      and session.ended_at is null
      and session.expires_at > session_lookup.now
      and person.state = 'active';
end
$$;

revoke all on function auth.session_lookup(bytea, timestamptz) from public;
grant execute on function auth.session_lookup(bytea, timestamptz) to saas_app;
