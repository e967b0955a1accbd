-- What a product cannot tell from its own state of how far somebody is with its first steps: that a step was skipped, that its person is done with the last one,
-- or that they want no more to be pointed to them. What was done is not here: it is looked at where it was done.
create table tenancy.onboarding_mark (
    tenant_id uuid not null,
    id uuid not null,
    -- Whose it is; everybody's in the tenant where there is none.
    user_id uuid,
    -- The step, by its name in the product; all of them where there is none.
    step text,
    mark text not null,
    marked_at timestamptz not null,
    constraint onboarding_mark_pkey primary key (tenant_id, id),
    constraint onboarding_mark_step_key unique nulls not distinct (tenant_id, user_id, step),
    constraint onboarding_mark_tenant_fkey foreign key (tenant_id) references core.tenant (id),
    constraint onboarding_mark_member_fkey foreign key (tenant_id, user_id) references core.member (tenant_id, user_id),
    constraint onboarding_mark_mark_check check (mark in ('skipped', 'done', 'dismissed')),
    constraint onboarding_mark_step_check check ((step is null) = (mark = 'dismissed') and length(step) between 1 and 50),
    constraint onboarding_mark_person_check check (user_id is not null or mark = 'skipped')
);

select core.isolate('tenancy.onboarding_mark', privileges => 'select, insert, delete');
