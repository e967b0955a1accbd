-- Somebody changes the plan just now, and nobody else does at once. Whoever died over it is not waited for long.
alter table billing.customer add column changing_since timestamptz;
