-- What somebody is given of all that is kept of them: asked for, packed a little later, and there for a day.
create table auth.export (
    id uuid not null,
    user_id uuid not null,
    asked_at timestamptz not null,
    ready_at timestamptz,
    expires_at timestamptz,
    token_hash bytea,
    archive bytea,
    constraint export_pkey primary key (id),
    constraint export_user_fkey foreign key (user_id) references auth.account (user_id) on delete cascade,
    constraint export_token_key unique (token_hash),
    constraint export_ready_check
        check (num_nulls(ready_at, expires_at, token_hash, archive) in (0, 4) and (token_hash is null or length(token_hash) = 32))
);

create index export_user_idx on auth.export (user_id, asked_at);

-- What is compressed already is not compressed again.
alter table auth.export alter column archive set storage external;

grant select, insert, update, delete on table auth.export to saas_system;
