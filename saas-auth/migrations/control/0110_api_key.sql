-- Keys that a tenant's people give to programs. A key belongs to the tenant, and may do what its scopes and the role of its maker have in
-- common, as that role is when the key is used.
create table auth.api_key (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    -- Names of permissions.
    scopes text[] not null,
    secret_hash bytea not null,
    -- The beginning of the key, by which people recognize it.
    prefix text not null,
    created_by uuid not null,
    -- The membership that it lives and dies with: whoever leaves and comes back has another one.
    member_since timestamptz not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    -- Empty means everywhere.
    networks cidr[] not null default '{}',
    -- A secret that was replaced works a while longer, so that whoever holds it has time to change.
    previous_hash bytea,
    previous_until timestamptz,
    -- When it was last seen in an address, where everybody on the way can read it.
    exposed_at timestamptz,
    constraint api_key_pkey primary key (tenant_id, id),
    constraint api_key_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint api_key_creator_fkey foreign key (tenant_id, created_by) references core.member (tenant_id, user_id),
    constraint api_key_name_check check (length(name) between 1 and 100),
    constraint api_key_scopes_check check (cardinality(scopes) between 1 and 200),
    constraint api_key_prefix_check check (length(prefix) <= 64),
    constraint api_key_secret_check check (length(secret_hash) = 32),
    constraint api_key_networks_check check (cardinality(networks) <= 32),
    constraint api_key_previous_check
        check ((previous_hash is null) = (previous_until is null) and (previous_hash is null or length(previous_hash) = 32))
);

create unique index api_key_secret_idx on auth.api_key (secret_hash);
comment on index auth.api_key_secret_idx is 'global: a key is looked up before its tenant is known; the hash of 256 random bits tells a tenant nothing of another''s';
create unique index api_key_previous_idx on auth.api_key (previous_hash);
comment on index auth.api_key_previous_idx is 'global: a key is looked up before its tenant is known; the hash of 256 random bits tells a tenant nothing of another''s';

select core.isolate('auth.api_key', privileges => 'select, insert, update');

-- Key, tenant and the maker's membership in one statement: the application login knows the hash before it knows any tenant. A key of somebody
-- who left, or may not sign in, is no key.
create function auth.api_key_lookup(hash bytea, now timestamptz)
returns table (
    tenant_id uuid,
    key_id uuid,
    slug text,
    name text,
    role text,
    scopes text[],
    networks cidr[],
    used_long_ago boolean
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
        coalesce(api_key.last_used_at < api_key_lookup.now - interval '1 minute', true)
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
