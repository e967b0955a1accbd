-- An account that is to be deleted: when, and whether its person was reminded. Until then its person is leaving, and may come back.
alter table auth.account
    add column leaves_at timestamptz,
    add column leaving_reminded_at timestamptz;

create index account_leaves_idx on auth.account (leaves_at) where leaves_at is not null;

-- A `deletion` one lets its reader have the account deleted.
alter table auth.email_token
    drop constraint email_token_purpose_check,
    add constraint email_token_purpose_check check (purpose in ('verify', 'known', 'reset', 'sign_in', 'second_factor_off', 'deletion'));
