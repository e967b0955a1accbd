-- A key belongs to one workspace, and so does all that is made with it. Keys from before belong to the tenant's first one.
alter table auth.agent_key add column workspace_id uuid;
update auth.agent_key set workspace_id = tenant_id;
alter table auth.agent_key alter column workspace_id set not null;
alter table auth.agent_key
    add constraint agent_key_workspace_fkey foreign key (tenant_id, workspace_id) references core.workspace (tenant_id, id);

-- A secret that was replaced works a while longer, so that whoever holds it has time to change.
alter table auth.agent_key add column previous_hash bytea, add column previous_until timestamptz;
alter table auth.agent_key
    add constraint agent_key_previous_check
    check ((previous_hash is null) = (previous_until is null) and (previous_hash is null or length(previous_hash) = 32));
create unique index agent_key_previous_idx on auth.agent_key (previous_hash);
comment on index auth.agent_key_previous_idx is 'global: a key is looked up before its tenant is known; the hash of 256 random bits tells a tenant nothing of another''s';

-- Without an end, the old secret works until the new one is used: a machine that never got the answer with the new one is not locked out.
alter table auth.agent_credential add column previous_hash bytea, add column previous_until timestamptz;
alter table auth.agent_credential
    add constraint agent_credential_previous_check
    check (length(previous_hash) = 32 and (previous_hash is not null or previous_until is null));
create unique index agent_credential_previous_idx on auth.agent_credential (previous_hash);
comment on index auth.agent_credential_previous_idx is 'global: a credential is looked up before its tenant is known; the hash of 256 random bits tells a tenant nothing of another''s';

drop function auth.agent_key_lookup(bytea, timestamptz);

create function auth.agent_key_lookup(hash bytea, now timestamptz)
returns table (tenant_id uuid, key_id uuid, workspace_id uuid, networks cidr[], used_long_ago boolean)
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
        agent_key.workspace_id,
        agent_key.networks,
        coalesce(agent_key.last_used_at < agent_key_lookup.now - interval '1 minute', true)
    from auth.agent_key
    join core.tenant on tenant.id = agent_key.tenant_id
    where (agent_key.secret_hash = agent_key_lookup.hash
           or (agent_key.previous_hash = agent_key_lookup.hash and agent_key.previous_until > agent_key_lookup.now))
      and agent_key.revoked_at is null
      and (agent_key.expires_at is null or agent_key.expires_at > agent_key_lookup.now)
      and tenant.state = 'active';
end
$$;

revoke all on function auth.agent_key_lookup(bytea, timestamptz) from public;
grant execute on function auth.agent_key_lookup(bytea, timestamptz) to saas_app;

drop function auth.agent_credential_lookup(bytea, timestamptz);

create function auth.agent_credential_lookup(hash bytea, now timestamptz)
returns table (
    tenant_id uuid,
    agent_id uuid,
    workspace_id uuid,
    networks cidr[],
    used_long_ago boolean,
    -- The first use of a secret that replaced another.
    is_taking_over boolean
)
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
        agent_key.workspace_id,
        agent_key.networks,
        coalesce(credential.last_used_at < agent_credential_lookup.now - interval '1 minute', true),
        credential.secret_hash = agent_credential_lookup.hash
            and credential.previous_hash is not null
            and credential.previous_until is null
    from auth.agent_credential credential
    join auth.agent_key on agent_key.tenant_id = credential.tenant_id and agent_key.id = credential.key_id
    join core.tenant on tenant.id = credential.tenant_id
    where (credential.secret_hash = agent_credential_lookup.hash
           or (credential.previous_hash = agent_credential_lookup.hash
               and coalesce(credential.previous_until > agent_credential_lookup.now, true)))
      and credential.revoked_at is null
      and agent_key.revoked_at is null
      and tenant.state = 'active';
end
$$;

revoke all on function auth.agent_credential_lookup(bytea, timestamptz) from public;
grant execute on function auth.agent_credential_lookup(bytea, timestamptz) to saas_app;
