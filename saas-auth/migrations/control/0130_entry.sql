-- An account may have no password: whoever signs in with a provider, a link from a mail or a passkey needs none. What holds for the account as it
-- was compares "no password" like any other.
alter table auth.account alter column password_hash drop not null;
alter table auth.email_change alter column password_hash drop not null;
alter table auth.email_token drop constraint email_token_bound_check;

-- How its person has shown who they are, and when they last did.
alter table auth.session
    add column methods text[] not null default '{password}',
    add column proved_at timestamptz;

update auth.session set proved_at = created_at;

alter table auth.session
    alter column methods drop default,
    alter column proved_at set not null,
    add constraint session_methods_check
        check (cardinality(methods) between 1 and 8 and methods <@ '{password,email,provider,totp,backup_code,passkey}'::text[]);
