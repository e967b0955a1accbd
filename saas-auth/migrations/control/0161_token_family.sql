-- The tokens that one program holds for a person in a tenant: each is made in the place of the one before, and of the last one the hash is
-- here. Ended, not deleted, as sessions are.
create table auth.token_family (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    -- The membership that it lives and dies with: whoever leaves and comes back has another one.
    member_since timestamptz not null,
    -- What the person calls the program, if anything.
    name text,
    token_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    last_seen_at timestamptz not null,
    address inet,
    user_agent text,
    ended_at timestamptz,
    -- Whether its person had shown a second factor: without one it opens no tenant that asks for one.
    second_factor boolean not null,
    constraint token_family_pkey primary key (tenant_id, id),
    constraint token_family_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint token_family_member_fkey foreign key (tenant_id, user_id) references core.member (tenant_id, user_id),
    constraint token_family_name_check check (length(name) between 1 and 100),
    constraint token_family_token_check check (length(token_hash) = 32),
    constraint token_family_user_agent_check check (length(user_agent) <= 512)
);

create unique index token_family_id_idx on auth.token_family (id);
comment on index auth.token_family_id_idx is 'global: a family is looked up by the id in a token before its tenant is known; the id is random and says nothing';
create index token_family_user_idx on auth.token_family (tenant_id, user_id) where ended_at is null;
create index token_family_person_idx on auth.token_family (user_id) where ended_at is null;

select core.isolate('auth.token_family', privileges => 'select');

-- The application login needs none of it: what a request shows is asked for by the function below, and written by the system.
revoke select on table auth.token_family from saas_app;

-- A person's place in the tenant, and that the family, its key and the membership still hold, in one statement.
create function auth.token_lookup(tenant uuid, family uuid, holder uuid, key uuid, now timestamptz)
returns table (
    slug text,
    name text,
    role text,
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
      and (token_family.second_factor or not tenant.second_factor_required)
      and exists (
          select from auth.signing_key
          where signing_key.id = token_lookup.key
            and (signing_key.expires_at is null or signing_key.expires_at > token_lookup.now)
      );
end
$$;

revoke all on function auth.token_lookup(uuid, uuid, uuid, uuid, timestamptz) from public;
grant execute on function auth.token_lookup(uuid, uuid, uuid, uuid, timestamptz) to saas_app;
