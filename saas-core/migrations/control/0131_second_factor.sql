-- Whether members must have shown a second factor.
alter table core.tenant add column second_factor_required boolean not null default false;
