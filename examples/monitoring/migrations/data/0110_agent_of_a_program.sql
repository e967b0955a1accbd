-- A program with an API key adds agents too; who did it then stands in the audit log.
alter table agent alter column created_by drop not null;
