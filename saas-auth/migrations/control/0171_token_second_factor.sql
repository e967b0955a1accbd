-- Where a tenant asks for a second factor and none was shown for the family, that is said, and the program told; until now it was nobody's token.
drop function auth.token_lookup(uuid, uuid, uuid, uuid, timestamptz);

create function auth.token_lookup(tenant uuid, family uuid, holder uuid, key uuid, now timestamptz)
returns table (
    slug text,
    name text,
    role text,
    second_factor_missing boolean,
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
        tenant.slug,
        tenant.name,
        member.role,
        tenant.second_factor_required and not token_family.second_factor,
        token_family.last_seen_at < token_lookup.now - interval '1 minute'
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
