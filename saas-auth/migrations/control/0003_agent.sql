-- Keys that a tenant's people hand to machines. A machine exchanges its key for a credential of its own at its first start.
create table auth.agent_key (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    secret_hash bytea not null,
    -- The beginning of the key, by which people recognize it.
    prefix text not null,
    created_by uuid,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    -- Empty means everywhere.
    networks cidr[] not null default '{}',
    constraint agent_key_pkey primary key (tenant_id, id),
    constraint agent_key_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint agent_key_creator_fkey foreign key (tenant_id, created_by) references core.member (tenant_id, user_id),
    constraint agent_key_name_check check (length(name) between 1 and 100),
    constraint agent_key_prefix_check check (length(prefix) <= 64),
    constraint agent_key_secret_check check (length(secret_hash) = 32),
    constraint agent_key_networks_check check (cardinality(networks) <= 32)
);

create unique index agent_key_secret_idx on auth.agent_key (secret_hash);
comment on index auth.agent_key_secret_idx is 'global: a key is looked up before its tenant is known; the hash of 256 random bits tells a tenant nothing of another''s';

select core.isolate('auth.agent_key', privileges => 'select, insert, update');

-- What one machine holds in place of the key: revocable by itself, and useless for anything but being that machine.
create table auth.agent_credential (
    tenant_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    key_id uuid not null,
    -- The machine's own name for its installation, so that registering twice makes one agent.
    instance uuid not null,
    secret_hash bytea not null,
    created_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint agent_credential_pkey primary key (tenant_id, id),
    constraint agent_credential_key_fkey foreign key (tenant_id, key_id) references auth.agent_key (tenant_id, id),
    constraint agent_credential_secret_check check (length(secret_hash) = 32)
);

-- Revoked ones do not count: a machine that was removed and registers again begins anew.
create unique index agent_credential_agent_idx on auth.agent_credential (tenant_id, agent_id) where revoked_at is null;
create unique index agent_credential_instance_idx on auth.agent_credential (tenant_id, key_id, instance) where revoked_at is null;
create unique index agent_credential_secret_idx on auth.agent_credential (secret_hash);
comment on index auth.agent_credential_secret_idx is 'global: a credential is looked up before its tenant is known; the hash of 256 random bits tells a tenant nothing of another''s';

select core.isolate('auth.agent_credential', privileges => 'select, insert, update');

create function auth.agent_key_lookup(hash bytea, now timestamptz)
returns table (tenant_id uuid, key_id uuid, networks cidr[], used_long_ago boolean)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        agent_key.tenant_id,
        agent_key.id,
        agent_key.networks,
        coalesce(agent_key.last_used_at < agent_key_lookup.now - interval '1 minute', true)
    from auth.agent_key
    join core.tenant on tenant.id = agent_key.tenant_id
    where agent_key.secret_hash = agent_key_lookup.hash
      and agent_key.revoked_at is null
      and (agent_key.expires_at is null or agent_key.expires_at > agent_key_lookup.now)
      and tenant.state = 'active';
end
$$;

revoke all on function auth.agent_key_lookup(bytea, timestamptz) from public;
grant execute on function auth.agent_key_lookup(bytea, timestamptz) to saas_app;

-- A key that expired makes no new credentials; those that it made live on. One that was revoked takes them with it.
create function auth.agent_credential_lookup(hash bytea, now timestamptz)
returns table (tenant_id uuid, agent_id uuid, networks cidr[], used_long_ago boolean)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        credential.tenant_id,
        credential.agent_id,
        agent_key.networks,
        coalesce(credential.last_used_at < agent_credential_lookup.now - interval '1 minute', true)
    from auth.agent_credential credential
    join auth.agent_key on agent_key.tenant_id = credential.tenant_id and agent_key.id = credential.key_id
    join core.tenant on tenant.id = credential.tenant_id
    where credential.secret_hash = agent_credential_lookup.hash
      and credential.revoked_at is null
      and agent_key.revoked_at is null
      and tenant.state = 'active';
end
$$;

revoke all on function auth.agent_credential_lookup(bytea, timestamptz) from public;
grant execute on function auth.agent_credential_lookup(bytea, timestamptz) to saas_app;
