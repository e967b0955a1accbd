-- A `reset` one lets its reader choose another password. It carries the password that the account had when it was sent: once the account has
-- another one, or another address, it opens nothing.
alter table auth.email_token
    drop constraint email_token_purpose_check,
    add constraint email_token_purpose_check check (purpose in ('verify', 'known', 'reset')),
    add constraint email_token_bound_check check (purpose <> 'reset' or password_hash is not null);
