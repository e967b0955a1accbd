-- An archive that could not be packed, however often it was tried: whoever asked is told, and may ask again. An operator who has it tried once more may make
-- it ready after all.
alter table tenancy.export add column failed_at timestamptz;
