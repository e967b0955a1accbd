-- A session of a host opens one tenant there and nothing else. It came of a session of the main host, and ends with it.
alter table auth.session
    add column parent_id uuid,
    add column only_tenant uuid,
    add column host text,
    add constraint session_parent_fkey foreign key (parent_id) references auth.session (id) on delete cascade,
    add constraint session_only_tenant_fkey foreign key (only_tenant) references core.tenant (id) on delete cascade,
    add constraint session_host_check check (num_nonnulls(parent_id, only_tenant, host) in (0, 3) and length(host) <= 253);

create index session_parent_idx on auth.session (parent_id) where parent_id is not null;
create index session_only_tenant_idx on auth.session (only_tenant) where only_tenant is not null;

-- With this a browser begins a session at a host: once, within a minute, and only if it is the one that asked there.
create table auth.hand_off (
    code_hash bytea not null,
    -- The session that it is of.
    session_id uuid not null,
    only_tenant uuid not null,
    host text not null,
    -- The hash of what the browser keeps that asked.
    browser_hash bytea not null,
    next text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint hand_off_pkey primary key (code_hash),
    constraint hand_off_session_fkey foreign key (session_id) references auth.session (id) on delete cascade,
    constraint hand_off_only_tenant_fkey foreign key (only_tenant) references core.tenant (id) on delete cascade,
    constraint hand_off_code_check check (length(code_hash) = 32),
    constraint hand_off_browser_check check (length(browser_hash) = 32),
    constraint hand_off_host_check check (length(host) <= 253),
    constraint hand_off_next_check check (length(next) <= 2000)
);

create index hand_off_session_idx on auth.hand_off (session_id);
create index hand_off_only_tenant_idx on auth.hand_off (only_tenant);
create index hand_off_expires_idx on auth.hand_off (expires_at);

grant select, insert, update, delete on table auth.hand_off to saas_system;

-- A session of a host opens one tenant, and is as good as the one that it came of: for as long, and by what was shown for that one. It is looked up here, so
-- that whatever ends one ends both with the next request.
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
    host text,
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
        coalesce(parent.methods, session.methods),
        -- What is asked of whoever showed lately who they are, is asked on the main host.
        case when session.parent_id is null then session.proved_at else 'epoch' end,
        session.last_seen_at < session_lookup.now - interval '1 minute',
        case when parent.id is null then operator.role end,
        session.host,
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
    left join auth.session parent on parent.id = session.parent_id
    left join auth.avatar on avatar.user_id = session.user_id
    left join auth.operator on operator.user_id = session.user_id
    left join (core.member join core.tenant on tenant.id = member.tenant_id and tenant.state = 'active')
        on member.user_id = session.user_id and member.left_at is null
        and (session.only_tenant is null or member.tenant_id = session.only_tenant)
    where session.token_hash = session_lookup.hash
      and session.ended_at is null
      and session.expires_at > session_lookup.now
      and session.last_seen_at > case when session.remembered then remembered_used_since else used_since end
      and person.state = 'active'
      and (session.parent_id is null or (
          parent.ended_at is null
          and parent.expires_at > session_lookup.now
          and parent.last_seen_at > case when parent.remembered then remembered_used_since else used_since end
      ));
end
$$;
revoke all on function auth.session_lookup(bytea, timestamptz, timestamptz, timestamptz) from public;
grant execute on function auth.session_lookup(bytea, timestamptz, timestamptz, timestamptz) to saas_app;
