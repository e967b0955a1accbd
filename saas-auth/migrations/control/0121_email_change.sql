-- A change of address that waits to be confirmed by whoever reads the new one and by whoever reads the old one. It holds as long as the account
-- is as it was when it began: with another password or address its links open nothing, whatever it was that changed it.
create table auth.email_change (
    id uuid not null,
    user_id uuid not null,
    email text not null,
    email_key text not null,
    old_email text not null,
    password_hash text not null,
    new_token_hash bytea not null,
    old_token_hash bytea not null,
    new_confirmed_at timestamptz,
    old_confirmed_at timestamptz,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    constraint email_change_pkey primary key (id),
    constraint email_change_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint email_change_new_token_key unique (new_token_hash),
    constraint email_change_old_token_key unique (old_token_hash),
    constraint email_change_token_check
        check (length(new_token_hash) = 32 and length(old_token_hash) = 32 and new_token_hash <> old_token_hash),
    constraint email_change_email_check check (length(email) between 3 and 254),
    constraint email_change_email_key_check check (email_key = lower(email_key) and length(email_key) between 3 and 254)
);

-- A second one takes the place of the first.
create unique index email_change_waiting_idx on auth.email_change (user_id) where ended_at is null;
create index email_change_user_idx on auth.email_change (user_id, created_at);

grant select, insert, update, delete on table auth.email_change to saas_system;
