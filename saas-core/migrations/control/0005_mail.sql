-- How a tenant's mail looks to its readers: values alone, never markup. Without a row, as the product's own.
create table core.brand (
    tenant_id uuid not null,
    name text,
    logo_url text,
    color text,
    locale text,
    constraint brand_pkey primary key (tenant_id),
    constraint brand_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint brand_name_check check (length(name) between 1 and 100 and name !~ '[[:cntrl:]]'),
    constraint brand_logo_check check (logo_url like 'https://%' and length(logo_url) <= 500),
    constraint brand_color_check check (color ~ '^#[0-9a-f]{6}$'),
    constraint brand_locale_check check (locale in ('en', 'de'))
);

select core.isolate('core.brand', privileges => 'select, insert, update');

-- The outbox: one letter, written in the transaction that is the reason for it, and what became of it. What it says lies here only until
-- that is known, sealed with the program's key: it may hold a link that opens an account.
create table core.mail (
    id uuid not null,
    -- Nobody's, if it concerns a person and no tenant.
    tenant_id uuid,
    template text not null,
    -- Whom or what it is about, and why it is sent now: together they make a second letter of the same kind impossible.
    about text not null,
    cause text not null,
    -- The same for each attempt, so that a reader's program sees one letter even if two arrive.
    message_id text not null,
    -- The reader's address under a key of the program.
    to_hash bytea not null,
    sealed bytea,
    state text not null default 'queued',
    attempts integer not null default 0,
    -- What the mail server said last.
    answer text,
    queued_at timestamptz not null,
    tried_at timestamptz,
    ended_at timestamptz,
    constraint mail_pkey primary key (id),
    constraint mail_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint mail_key unique nulls not distinct (tenant_id, template, about, cause),
    constraint mail_state_check check (state in ('queued', 'sending', 'sent', 'failed', 'suppressed')),
    constraint mail_sealed_check check ((sealed is null) = (state in ('sent', 'failed', 'suppressed'))),
    constraint mail_ended_check check ((ended_at is null) = (state in ('queued', 'sending'))),
    constraint mail_hash_check check (length(to_hash) = 32),
    constraint mail_template_check check (length(template) between 1 and 100),
    constraint mail_about_check check (length(about) between 1 and 200),
    constraint mail_cause_check check (length(cause) between 1 and 200),
    constraint mail_message_id_check check (length(message_id) <= 300),
    constraint mail_answer_check check (length(answer) <= 500)
);

comment on index core.mail_pkey is 'global: ids are random, and no login but the system sees the table; mail without a tenant is in it';

create index mail_to_idx on core.mail (to_hash, tried_at);
create index mail_open_idx on core.mail (queued_at) where state in ('queued', 'sending');
create index mail_ended_idx on core.mail (ended_at) where ended_at is not null;

select core.isolate('core.mail');
-- The application puts letters in through the function below, and can neither read nor change what is there.
revoke all on table core.mail from saas_app;

-- Addresses that nothing is sent to, until somebody lifts it: the mail server said that there is no such mailbox, or its owner complained.
create table core.mail_suppression (
    address_hash bytea not null,
    reason text not null,
    answer text,
    since timestamptz not null,
    constraint mail_suppression_pkey primary key (address_hash),
    constraint mail_suppression_hash_check check (length(address_hash) = 32),
    constraint mail_suppression_reason_check check (reason in ('bounce', 'complaint')),
    constraint mail_suppression_answer_check check (length(answer) <= 500)
);

revoke all on table core.mail_suppression from public;
grant select, insert, update, delete on table core.mail_suppression to saas_system;

-- Puts a letter into the outbox together with the job that sends it. False if the same letter is there already. Whose turn it takes is not
-- the same as whose it is: what the program itself has to tell a tenant must reach one that is suspended, whose jobs wait.
create function core.mail_put(
    p_id uuid, p_tenant uuid, p_queue uuid, p_template text, p_about text, p_cause text, p_message_id text, p_to_hash bytea,
    p_sealed bytea, p_job uuid, p_at timestamptz
) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.mail (id, tenant_id, template, about, cause, message_id, to_hash, sealed, queued_at)
    values (p_id, p_tenant, p_template, p_about, p_cause, p_message_id, p_to_hash, p_sealed, p_at)
    on conflict on constraint mail_key do nothing;
    if not found then
        return false;
    end if;
    perform core.job_put(
        p_job, p_queue, case when p_queue is null then 'core.mail.system' else 'core.mail' end,
        jsonb_build_object('mail', p_id), 0::smallint, null, 1000, 0, p_at);
    return true;
end
$$;

-- The application's way in: the tenant is the transaction's, or nobody.
create function core.mail_add(
    p_id uuid, p_template text, p_about text, p_cause text, p_message_id text, p_to_hash bytea, p_sealed bytea, p_job uuid,
    p_at timestamptz
) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    own constant uuid := nullif(current_setting('saas.tenant_id', true), '')::uuid;
begin
    return core.mail_put(p_id, own, own, p_template, p_about, p_cause, p_message_id, p_to_hash, p_sealed, p_job, p_at);
end
$$;

revoke all on function core.mail_put(uuid, uuid, uuid, text, text, text, text, bytea, bytea, uuid, timestamptz) from public;
revoke all on function core.mail_add(uuid, text, text, text, text, bytea, bytea, uuid, timestamptz) from public;
grant execute on function core.mail_put(uuid, uuid, uuid, text, text, text, text, bytea, bytea, uuid, timestamptz) to saas_system;
grant execute on function core.mail_add(uuid, text, text, text, text, bytea, bytea, uuid, timestamptz) to saas_app;
