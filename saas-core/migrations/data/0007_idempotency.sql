-- What a write was answered that came with an Idempotency-Key, written in the transaction of the work itself. The answer is sealed: it may
-- hold what is shown this once. Without an answer, the work is done and what was said is not known any more.
create table kept_answer (
    tenant_id uuid not null,
    caller_kind text not null,
    caller_id uuid not null,
    key text not null,
    request bytea not null,
    answer bytea,
    at timestamptz not null,
    constraint kept_answer_pkey primary key (tenant_id, caller_kind, caller_id, key)
);

create index kept_answer_at_idx on kept_answer (tenant_id, at);

select core.isolate('kept_answer');
