-- Accounts elsewhere with which somebody signs in. Whose it is says its issuer and what that calls them, and never an address: addresses change
-- hands. What the issuer said of the address is kept to show it to its owner.
create table auth.identity (
    id uuid not null,
    user_id uuid not null,
    -- The provider's name in the settings, to show what it is called.
    provider text not null,
    issuer text not null,
    subject text not null,
    email text,
    created_at timestamptz not null,
    constraint identity_pkey primary key (id),
    constraint identity_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint identity_subject_key unique (issuer, subject),
    constraint identity_provider_check check (length(provider) between 1 and 32),
    constraint identity_issuer_check check (length(issuer) between 1 and 512),
    constraint identity_subject_check check (length(subject) between 1 and 255),
    constraint identity_email_check check (length(email) between 3 and 254)
);

create index identity_user_idx on auth.identity (user_id, created_at);

grant select, insert, update, delete on table auth.identity to saas_system;

-- Somebody is on the way to a provider and back. The state that goes with them and the browser that it must come back in are kept as hashes; the
-- secrets of the way (nonce, PKCE) are derived from the state, and so stand nowhere.
create table auth.provider_flow (
    state_hash bytea not null,
    browser_hash bytea not null,
    provider text not null,
    -- Who wants to link the account elsewhere with theirs; nobody if somebody wants to sign in.
    user_id uuid,
    next text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint provider_flow_pkey primary key (state_hash),
    constraint provider_flow_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint provider_flow_hash_check check (length(state_hash) = 32 and length(browser_hash) = 32),
    constraint provider_flow_provider_check check (length(provider) between 1 and 32),
    constraint provider_flow_next_check check (next like '/%' and length(next) <= 2000)
);

create index provider_flow_expires_idx on auth.provider_flow (expires_at);

grant select, insert, update, delete on table auth.provider_flow to saas_system;
