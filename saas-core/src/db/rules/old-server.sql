select format('PostgreSQL %s', current_setting('server_version'))
where case current_setting('server_version_num')::int / 10000
    when 15 then current_setting('server_version_num')::int < 150020
    when 16 then current_setting('server_version_num')::int < 160016
    when 17 then current_setting('server_version_num')::int < 170012
    when 18 then current_setting('server_version_num')::int < 180007
    else current_setting('server_version_num')::int < 150020
end
