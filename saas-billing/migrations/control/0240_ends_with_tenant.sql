-- It ends because its tenant leaves, and nobody else wants it to: if the tenant is brought back, it goes on.
alter table billing.subscription add column ends_with_tenant boolean not null default false;
