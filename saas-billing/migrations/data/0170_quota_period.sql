-- Since when it is counted: what is counted in periods begins anew with each, and what is held was counted always.
alter table quota add column since timestamptz not null default '-infinity';
