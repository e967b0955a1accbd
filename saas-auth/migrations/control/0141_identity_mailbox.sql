-- Whoever comes from a provider that is not believed about addresses shows by a link from a mail that the address is theirs, in the browser in which
-- they came. Until then nobody has an account by it: what the provider said waits here.
alter table auth.provider_flow
    add column mail_hash bytea,
    add column issuer text,
    add column subject text,
    add column email text,
    add column name text,
    add constraint provider_flow_mail_key unique (mail_hash),
    add constraint provider_flow_mail_check check (length(mail_hash) = 32),
    add constraint provider_flow_waits_check
        check (num_nulls(mail_hash, issuer, subject, email, name) in (0, 5));
