-- What people agreed to and what they took back, in which version, when and from where. Rows are only added: the latest about a document is what
-- holds. It belongs to the person and not to the account, and stays when the account is gone, without saying from where.
create table auth.consent (
    number bigint generated always as identity,
    user_id uuid not null,
    document text not null,
    version text not null,
    given boolean not null,
    at timestamptz not null,
    address inet,
    user_agent text,
    constraint consent_pkey primary key (number),
    constraint consent_user_fkey foreign key (user_id) references core.user (id),
    constraint consent_document_check check (document ~ '^[a-z][a-z0-9_]{0,49}$'),
    constraint consent_version_check check (length(version) between 1 and 50),
    constraint consent_user_agent_check check (length(user_agent) <= 512)
);

create index consent_user_idx on auth.consent (user_id, document, number);

grant select, insert, update (address, user_agent) on table auth.consent to saas_system;
