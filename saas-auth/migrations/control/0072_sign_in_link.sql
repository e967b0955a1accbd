-- A `sign_in` one lets its reader's password be tried, however many wrong ones others have tried.
alter table auth.email_token
    drop constraint email_token_purpose_check,
    add constraint email_token_purpose_check check (purpose in ('verify', 'known', 'reset', 'sign_in')),
    drop constraint email_token_bound_check,
    add constraint email_token_bound_check check (purpose not in ('reset', 'sign_in') or password_hash is not null);
