-- Whoever asks the gateway about a customer draws a number first (asked); what is stored is the answer of the number kept. So nobody waits for the
-- gateway with a lock, and no answer overwrites one that may be newer.
alter table billing.customer
    add column asked bigint not null default 0,
    add column kept bigint not null default 0,
    add constraint customer_turn_check check (kept between 0 and asked);
