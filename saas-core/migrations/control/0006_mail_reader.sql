-- One cause may concern several readers, each of whom gets the letter.
alter table core.mail drop constraint mail_key;
alter table core.mail
    add constraint mail_key unique nulls not distinct (tenant_id, template, about, cause, to_hash);
