-- Of how many people were warned last, and in the period that began then: once for each mark of a limit in a period.
alter table quota
    add column warned bigint not null default 0,
    add column warned_since timestamptz not null default '-infinity';
