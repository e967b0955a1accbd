-- Those who run the product, beside all organizations. Whoever has no row is none of them.
create table auth.operator (
    user_id uuid not null,
    role text not null,
    granted_at timestamptz not null,
    -- What the machine on which it was done calls whoever did it: people who run its commands need no account here.
    granted_by text not null,
    reason text not null,
    constraint operator_pkey primary key (user_id),
    constraint operator_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint operator_role_check check (role in ('read_only', 'support', 'admin')),
    constraint operator_granted_by_check check (granted_by <> ''),
    constraint operator_reason_check check (reason <> '')
);

grant select, insert, update, delete on table auth.operator to saas_system;

-- What somebody is among them comes with their session, so that it holds from the next request on.
drop function auth.session_lookup(bytea, timestamptz, timestamptz, timestamptz);

create function auth.session_lookup(hash bytea, now timestamptz, used_since timestamptz, remembered_used_since timestamptz)
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
    operator_role text,
    tenant_id uuid,
    tenant_slug text,
    tenant_name text,
    role text,
    second_factor_required boolean,
    tenant_revision bigint,
    flags jsonb
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
        operator.role,
        tenant.id,
        tenant.slug,
        tenant.name,
        member.role,
        tenant.second_factor_required,
        tenant.revision,
        case when tenant.flags <> '{}' or tenant.platform_flags <> '{}' then jsonb_build_array(tenant.flags, tenant.platform_flags) end
    from auth.session
    join auth.account on account.user_id = session.user_id
    join core.user person on person.id = session.user_id
    left join auth.avatar on avatar.user_id = session.user_id
    left join auth.operator on operator.user_id = session.user_id
    left join (core.member join core.tenant on tenant.id = member.tenant_id and tenant.state = 'active')
        on member.user_id = session.user_id and member.left_at is null
    where session.token_hash = session_lookup.hash
      and session.ended_at is null
      and session.expires_at > session_lookup.now
      and session.last_seen_at > case when session.remembered then remembered_used_since else used_since end
      and person.state = 'active';
end
$$;
revoke all on function auth.session_lookup(bytea, timestamptz, timestamptz, timestamptz) from public;
grant execute on function auth.session_lookup(bytea, timestamptz, timestamptz, timestamptz) to saas_app;
