-- A receiver that asks for time (Retry-After) gets it for all that waits for it, not for the one message that it answered.
alter table webhook_endpoint add column rests_until timestamptz;

-- How many were given up lately is counted all the time.
create index webhook_delivery_failed_idx on webhook_delivery (finished_at) where state = 'failed';
