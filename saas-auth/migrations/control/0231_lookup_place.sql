-- With the place that each of these finds come the revision of its tenant, so that nothing more is asked for what is kept of it, and its switches:
-- [its own, the platform's], or null where none is set.
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

drop function auth.api_key_lookup(bytea, timestamptz);

create function auth.api_key_lookup(hash bytea, now timestamptz)
returns table (
    tenant_id uuid,
    key_id uuid,
    slug text,
    name text,
    role text,
    scopes text[],
    networks cidr[],
    used_long_ago boolean,
    tenant_revision bigint,
    flags jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        api_key.tenant_id,
        api_key.id,
        tenant.slug,
        tenant.name,
        member.role,
        api_key.scopes,
        api_key.networks,
        coalesce(api_key.last_used_at < api_key_lookup.now - interval '1 minute', true),
        tenant.revision,
        case when tenant.flags <> '{}' or tenant.platform_flags <> '{}' then jsonb_build_array(tenant.flags, tenant.platform_flags) end
    from auth.api_key
    join core.tenant on tenant.id = api_key.tenant_id
    join core.member on member.tenant_id = api_key.tenant_id and member.user_id = api_key.created_by
    join core.user person on person.id = api_key.created_by
    where (api_key.secret_hash = api_key_lookup.hash
           or (api_key.previous_hash = api_key_lookup.hash and api_key.previous_until > api_key_lookup.now))
      and api_key.revoked_at is null
      and (api_key.expires_at is null or api_key.expires_at > api_key_lookup.now)
      and member.left_at is null
      and member.joined_at = api_key.member_since
      and person.state = 'active'
      and tenant.state = 'active';
end
$$;

revoke all on function auth.api_key_lookup(bytea, timestamptz) from public;
grant execute on function auth.api_key_lookup(bytea, timestamptz) to saas_app;

drop function auth.token_lookup(uuid, uuid, uuid, uuid, timestamptz);

create function auth.token_lookup(tenant uuid, family uuid, holder uuid, key uuid, now timestamptz)
returns table (
    slug text,
    name text,
    role text,
    second_factor_missing boolean,
    seen_long_ago boolean,
    tenant_revision bigint,
    flags jsonb
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        tenant.slug,
        tenant.name,
        member.role,
        tenant.second_factor_required and not token_family.second_factor,
        token_family.last_seen_at < token_lookup.now - interval '1 minute',
        tenant.revision,
        case when tenant.flags <> '{}' or tenant.platform_flags <> '{}' then jsonb_build_array(tenant.flags, tenant.platform_flags) end
    from auth.token_family
    join core.tenant on tenant.id = token_family.tenant_id
    join core.member on member.tenant_id = token_family.tenant_id and member.user_id = token_family.user_id
    join core.user person on person.id = token_family.user_id
    where token_family.tenant_id = token_lookup.tenant
      and token_family.id = token_lookup.family
      and token_family.user_id = token_lookup.holder
      and token_family.ended_at is null
      and token_family.expires_at > token_lookup.now
      and member.left_at is null
      and member.joined_at = token_family.member_since
      and person.state = 'active'
      and tenant.state = 'active'
      and exists (
          select from auth.signing_key
          where signing_key.id = token_lookup.key
            and (signing_key.expires_at is null or signing_key.expires_at > token_lookup.now)
      );
end
$$;

revoke all on function auth.token_lookup(uuid, uuid, uuid, uuid, timestamptz) from public;
grant execute on function auth.token_lookup(uuid, uuid, uuid, uuid, timestamptz) to saas_app;
