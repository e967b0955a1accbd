-- Notes, and what is remarked on them.
create table note (
    tenant_id uuid not null,
    id uuid not null,
    title text not null,
    body text not null,
    constraint note_pkey primary key (tenant_id, id),
    constraint note_title_key unique (tenant_id, title)
);

create table remark (
    tenant_id uuid not null,
    id uuid not null,
    note_id uuid not null,
    text text not null,
    constraint remark_pkey primary key (tenant_id, id),
    constraint remark_note_fkey foreign key (tenant_id, note_id) references note (tenant_id, id) on delete cascade
);

select core.isolate('note');
select core.isolate('remark');
