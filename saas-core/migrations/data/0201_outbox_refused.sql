-- Who could not take an event when it was last tried: what of it is missing, for those whose event it is.
alter table outbox add column refused text[] not null default '{}';

-- They may have announced again what was given up. What else becomes of an event is the relay's to say.
create policy replay on outbox as restrictive for update to saas_app using (dead_at is not null) with check (dead_at is null);
grant update (attempts, next_at, dead_at) on outbox to saas_app;
