-- Who a person is to us: the address and the password that they sign in with. The application login sees none of it.
create table auth.account (
    user_id uuid not null,
    email text not null,
    -- The address with its letters in lower case: one mailbox, one account.
    email_key text not null,
    name text not null,
    password_hash text not null,
    verified_at timestamptz,
    created_at timestamptz not null,
    constraint account_pkey primary key (user_id),
    constraint account_user_fkey foreign key (user_id) references core.user (id),
    constraint account_email_key unique (email_key),
    constraint account_email_check check (length(email) between 3 and 254),
    constraint account_email_key_check check (email_key = lower(email_key) and length(email_key) between 3 and 254),
    constraint account_name_check check (length(name) between 1 and 100),
    constraint account_password_check check (password_hash like '$argon2id$%' and length(password_hash) <= 512)
);

grant select, insert, update, delete on table auth.account to saas_system;

-- Proofs that an address is somebody's, each sent in one mail and good for one use. A `known` one is never sent: it stands for the mail
-- that tells the owner of an address that somebody signed up with it again, so that both kinds of mail are counted alike.
-- A link that signs somebody up carries the name and the password that were chosen with it: whoever uses the link gets those, and not what
-- somebody else chose who signed up with the same address before.
create table auth.email_token (
    token_hash bytea not null,
    user_id uuid not null,
    email text not null,
    purpose text not null,
    name text,
    password_hash text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint email_token_pkey primary key (token_hash),
    constraint email_token_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint email_token_hash_check check (length(token_hash) = 32),
    constraint email_token_email_check check (length(email) between 3 and 254),
    constraint email_token_purpose_check check (purpose in ('verify', 'known'))
);

create index email_token_user_idx on auth.email_token (user_id, created_at);

grant select, insert, update, delete on table auth.email_token to saas_system;
