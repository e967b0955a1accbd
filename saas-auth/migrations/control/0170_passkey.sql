-- Passkeys (WebAuthn): a device or a security key holds the private half, and here lie the public half and what it said of itself.
create table auth.passkey (
    id uuid not null,
    user_id uuid not null,
    -- What the authenticator calls it. No two accounts have the same.
    credential_id bytea not null,
    -- The public key, the counter and the flags, as the library keeps them.
    credential jsonb not null,
    name text not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    -- When its counter stood still or went back: there is a copy of it, so it opens nothing any more.
    copied_at timestamptz,
    constraint passkey_pkey primary key (id),
    constraint passkey_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint passkey_credential_key unique (credential_id),
    constraint passkey_credential_check check (length(credential_id) between 16 and 1023),
    constraint passkey_name_check check (length(name) between 1 and 100)
);

create index passkey_user_idx on auth.passkey (user_id, created_at);

-- What a browser was asked. Whoever answers brings the token, once; and who registers is the one that asked.
create table auth.passkey_challenge (
    token_hash bytea not null,
    -- Whose passkey is to be registered; nobody's if somebody wants to sign in.
    user_id uuid,
    state jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint passkey_challenge_pkey primary key (token_hash),
    constraint passkey_challenge_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint passkey_challenge_token_check check (length(token_hash) = 32)
);

create index passkey_challenge_user_idx on auth.passkey_challenge (user_id);
create index passkey_challenge_expires_idx on auth.passkey_challenge (expires_at);

grant select, insert, update, delete on table auth.passkey, auth.passkey_challenge to saas_system;
