-- How a person wants to be addressed, wherever we do. Null leaves it to their device.
alter table core.user add column locale text, add column time_zone text, add column theme text;
alter table core.user
    add constraint user_locale_check check (length(locale) between 2 and 35),
    add constraint user_time_zone_check check (length(time_zone) between 1 and 64),
    add constraint user_theme_check check (theme in ('light', 'dark'));

-- What a letter to a person needs to know of them. The application writes to people of whom it may read nothing else.
create function core.reader(person uuid) returns table (locale text, time_zone text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select who.locale, who.time_zone from core.user who where who.id = person;
end
$$;

revoke all on function core.reader(uuid) from public;
grant execute on function core.reader(uuid) to saas_app, saas_system;
