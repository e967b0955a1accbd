-- What was tried, and how often: passwords that were wrong, mails that were asked for. One row for each account, network or browser that is
-- counted, found by a hash under a key of the program's, so that nobody reads here who tried what.
create table auth.attempt (
    subject bytea not null,
    -- The latest of them: no more than it takes to know whether another one may follow.
    times timestamptz[] not null,
    -- When they have no consequences any more.
    over_at timestamptz not null,
    constraint attempt_pkey primary key (subject),
    constraint attempt_subject_check check (length(subject) = 32),
    constraint attempt_times_check check (cardinality(times) between 1 and 1000)
);

create index attempt_over_idx on auth.attempt (over_at);

grant select, insert, update, delete on table auth.attempt to saas_system;

-- Until when nothing may be tried any more, if `most` attempts lie within `span`: until the first of them is over, and `pause` has passed since
-- the last. What lies up to a minute ahead counts as now: clocks of nodes differ a little, and whoever waited for the row may have begun before
-- those that it finds there. What lies further ahead was written before the clock was put back, and does not count.
create function auth.attempt_until(times timestamptz[], now timestamptz, most integer, span interval, pause interval)
returns timestamptz
language sql
immutable
as $$
    select case
        when count(*) = attempt_until.most and max(latest.at) - min(latest.at) < attempt_until.span
        then greatest(min(latest.at) + attempt_until.span, max(latest.at) + attempt_until.pause)
    end
    from (
        select least(one.at, attempt_until.now) as at
        from unnest(attempt_until.times) one(at)
        where one.at < attempt_until.now + interval '1 minute'
        order by one.at desc
        limit attempt_until.most
    ) latest
$$;

revoke all on function auth.attempt_until(timestamptz[], timestamptz, integer, interval, interval) from public;
grant execute on function auth.attempt_until(timestamptz[], timestamptz, integer, interval, interval) to saas_system;
