-- When the gateway tries by itself to have an invoice paid that is open.
alter table billing.invoice add column next_attempt_at timestamptz;
