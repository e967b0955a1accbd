-- A session that ends takes with it what it keeps open.
create trigger session_access_notice
    after update on auth.session
    for each row
    when (old.ended_at is null and new.ended_at is not null)
    execute function core.access_notice('user', 'user_id');

create trigger session_access_gone
    after delete on auth.session
    for each row
    when (old.ended_at is null)
    execute function core.access_notice('user', 'user_id');
