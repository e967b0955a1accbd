-- Switches of a tenant, by name: those that are its own to set, and those that whoever runs the product sets for it. What is not here is as the
-- product has it.
alter table core.tenant
    add column flags jsonb not null default '{}',
    add column platform_flags jsonb not null default '{}',
    add constraint tenant_flags_check check (jsonb_typeof(flags) = 'object'),
    add constraint tenant_platform_flags_check check (jsonb_typeof(platform_flags) = 'object');

-- Not the platform's: no statement of the application's own sets those.
grant update (flags) on table core.tenant to saas_app;
