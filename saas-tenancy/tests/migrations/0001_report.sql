-- A table of an application, whose rows are shared.
create table report (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    created_by uuid,
    constraint report_pkey primary key (tenant_id, id),
    constraint report_author_fkey foreign key (tenant_id, created_by) references core.member (tenant_id, user_id)
);

select core.isolate('report');
select core.shareable('report', 'test.report');
