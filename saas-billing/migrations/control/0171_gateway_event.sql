-- What the payment gateway told us, byte for byte: the row is what makes an event happen once. It is no tenant's before it has been worked on,
-- and the application login has no business with it.
create table billing.gateway_event (
    id text not null,
    kind text,
    body bytea not null,
    -- waiting: a job works on it. done: nothing of it is left to do. ignored: it concerns nothing that we keep. foreign: it is of another account
    -- or mode. unreadable: its signature is right, and nobody knows what it says.
    state text not null,
    happened_at timestamptz,
    received_at timestamptz not null,
    done_at timestamptz,
    constraint gateway_event_pkey primary key (id),
    constraint gateway_event_id_check check (length(id) between 1 and 200),
    constraint gateway_event_body_check check (length(body) <= 1048576),
    constraint gateway_event_state_check check (state in ('waiting', 'done', 'ignored', 'foreign', 'unreadable'))
);

create index gateway_event_received_idx on billing.gateway_event (received_at);

grant select, insert, update, delete on table billing.gateway_event to saas_system;
