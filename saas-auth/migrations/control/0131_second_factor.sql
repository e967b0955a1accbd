-- An authenticator app that makes codes (RFC 6238). It is asked for once a code has shown that it has the secret; a second one takes the place of
-- the first only then.
create table auth.authenticator (
    id uuid not null,
    user_id uuid not null,
    -- Sealed for this row and account: in another one it does not open.
    secret bytea not null,
    created_at timestamptz not null,
    confirmed_at timestamptz,
    -- The step of the last code that was taken. That code is used up, and so are those before it (RFC 6238, section 5.2).
    last_step bigint,
    constraint authenticator_pkey primary key (id),
    constraint authenticator_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint authenticator_step_check check ((confirmed_at is null) = (last_step is null))
);

create unique index authenticator_confirmed_idx on auth.authenticator (user_id) where confirmed_at is not null;
create unique index authenticator_waiting_idx on auth.authenticator (user_id) where confirmed_at is null;

-- Codes for whoever does not have the app at hand. Each has 120 random bits, so its hash is all that is needed.
create table auth.backup_code (
    user_id uuid not null,
    code_hash bytea not null,
    created_at timestamptz not null,
    used_at timestamptz,
    constraint backup_code_pkey primary key (user_id, code_hash),
    constraint backup_code_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint backup_code_hash_check check (length(code_hash) = 32)
);

-- Somebody has shown a first factor, and the second is missing. It holds as long as the account is as it was: with another password or address
-- it leads nowhere, whatever it was that changed it.
create table auth.pending_entry (
    token_hash bytea not null,
    user_id uuid not null,
    email text not null,
    password_hash text,
    methods text[] not null,
    remembered boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint pending_entry_pkey primary key (token_hash),
    constraint pending_entry_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint pending_entry_token_check check (length(token_hash) = 32),
    constraint pending_entry_methods_check
        check (cardinality(methods) between 1 and 8 and methods <@ '{password,email,provider,totp,backup_code,passkey}'::text[])
);

create index pending_entry_user_idx on auth.pending_entry (user_id);
create index pending_entry_expires_idx on auth.pending_entry (expires_at);

grant select, insert, update, delete on table auth.authenticator, auth.backup_code, auth.pending_entry to saas_system;

-- A `second_factor_off` one lets whoever asked for it, in a session of their own, turn the second factor off.
alter table auth.email_token
    drop constraint email_token_purpose_check,
    add constraint email_token_purpose_check check (purpose in ('verify', 'known', 'reset', 'sign_in', 'second_factor_off'));

-- What a session was opened with, and when its person last showed who they are, come with it; and which of their organizations ask for more.
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
    memberships jsonb,
    methods text[],
    proved_at timestamptz,
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
        avatar.id,
        person.locale,
        person.time_zone,
        person.theme,
        (
            select coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', tenant.id, 'slug', tenant.slug, 'name', tenant.name, 'role', member.role,
                        'second_factor_required', tenant.second_factor_required)
                    order by tenant.name, tenant.id),
                '[]')
            from core.member
            join core.tenant on tenant.id = member.tenant_id
            where member.user_id = session.user_id and member.left_at is null and tenant.state = 'active'
        ),
        session.methods,
        session.proved_at,
        session.last_seen_at < session_lookup.now - interval '1 minute'
    from auth.session
    join auth.account on account.user_id = session.user_id
    join core.user person on person.id = session.user_id
    left join auth.avatar on avatar.user_id = session.user_id
    where session.token_hash = session_lookup.hash
      and session.ended_at is null
      and session.expires_at > session_lookup.now
      and person.state = 'active';
end
$$;

revoke all on function auth.session_lookup(bytea, timestamptz) from public;
grant execute on function auth.session_lookup(bytea, timestamptz) to saas_app;
