//! How often something may be tried: counted in the database, so for all nodes together and also after a restart.
//!
//! It is not a [`RateLimitStore`](saas_core::limit::RateLimitStore): that counts what is asked, and here only what failed counts, which is known
//! afterwards. Whoever may not try is refused by the same row that counts, so of many that fail at once exactly as many count as may.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{DbError, MasterKey, Problem, ProblemType, Purpose, SystemTx};

/// What the subjects of attempts are hashed under.
const ATTEMPTS: Purpose = Purpose::new("auth attempts");

/// How often something may be tried within how long, and how long nothing may be after that. A value.
///
/// ```
/// use chrono::TimeDelta;
/// use saas_auth::AttemptLimit;
///
/// let strict = AttemptLimit::new(3, TimeDelta::minutes(15)).pause(TimeDelta::hours(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimit {
    most: u16,
    within: TimeDelta,
    pause: TimeDelta,
}

impl AttemptLimit {
    /// At most this many in any span of this length.
    #[must_use]
    pub const fn new(most: u16, within: TimeDelta) -> Self {
        Self { most, within, pause: TimeDelta::zero() }
    }

    /// And none for this long after the last of them.
    #[must_use]
    pub const fn pause(self, pause: TimeDelta) -> Self {
        Self { pause, ..self }
    }

    /// Whether it allows anything, and no more than can be kept.
    pub(crate) fn is_sound(self) -> bool {
        (1..=1000).contains(&self.most) && self.within > TimeDelta::zero() && self.pause >= TimeDelta::zero()
    }
}

/// Attempts that are counted together: against one subject, or against several, none of which may have had enough.
#[derive(Clone)]
pub(crate) struct Attempts {
    subjects: Vec<Vec<u8>>,
    limit: AttemptLimit,
}

/// What became of one more attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// It counts. Nothing more may be tried until then, if it was the last.
    Yes {
        /// Until when nothing more may be tried.
        until: Option<DateTime<Utc>>,
    },
    /// It does not count, for nothing may be tried until then.
    Refused {
        /// Until when.
        until: DateTime<Utc>,
    },
}

impl Attempts {
    /// At one thing, by somebody or at somebody's; what is written there is hashed.
    pub(crate) fn new(keys: &MasterKey, what: &'static str, whose: impl fmt::Display, limit: AttemptLimit) -> Self {
        Self { subjects: vec![keys.sign(ATTEMPTS, format!("{what}:{whose}").as_bytes()).to_vec()], limit }
    }

    /// And against the others' subjects.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.subjects.extend(others.subjects);
        self
    }

    /// Until when nothing may be tried, if that is so.
    pub(crate) async fn refused_until_in(&self, tx: &mut SystemTx) -> Result<Option<DateTime<Utc>>, DbError> {
        let now = tx.now();
        let until = sqlx::query_scalar!(
            "select max(auth.attempt_until(times, $2, $3, $4, $5)) from auth.attempt where subject = any($1)",
            &self.subjects[..],
            now,
            i32::from(self.limit.most),
            self.limit.within as TimeDelta,
            self.limit.pause as TimeDelta,
        )
        .fetch_one(&mut **tx)
        .await?;
        Ok(until.filter(|until| *until > now))
    }

    /// Counts one more, unless nothing may be tried: then whoever asked undoes the transaction. Of many at once, as many count as may.
    pub(crate) async fn add_in(&self, tx: &mut SystemTx) -> Result<Counted, DbError> {
        let now = tx.now();
        let AttemptLimit { most, within, pause } = self.limit;
        let counted = sqlx::query_scalar!(
            r#"insert into auth.attempt as kept (subject, times, over_at)
            select subject, array[$2::timestamptz], $2::timestamptz + greatest($4::interval, $5::interval)
            from unnest($1::bytea[]) wanted(subject)
            order by subject
            on conflict on constraint attempt_pkey do update
            set times = $2::timestamptz || array(
                    select one.at from unnest(kept.times) one(at)
                    where one.at < $2::timestamptz + interval '1 minute'
                    order by one.at desc
                    limit $3::int4 - 1
                ),
                over_at = excluded.over_at
            where coalesce(auth.attempt_until(kept.times, $2, $3, $4, $5) <= $2, true)
            returning auth.attempt_until(times, $2, $3, $4, $5)"#,
            &self.subjects[..],
            now,
            i32::from(most),
            within as TimeDelta,
            pause as TimeDelta,
        )
        .fetch_all(&mut **tx)
        .await?;
        if counted.len() < self.subjects.len() {
            return Ok(Counted::Refused { until: self.refused_until_in(tx).await?.unwrap_or(now) });
        }
        forget_in(tx).await?;
        Ok(Counted::Yes { until: counted.into_iter().flatten().max() })
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Forgets a few that have no consequences any more: more than are added, so that what is kept is bounded by what is tried.
async fn forget_in(tx: &mut SystemTx) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        r"delete from auth.attempt
        where subject in (select subject from auth.attempt where over_at < $1 order by over_at limit 10 for update skip locked)",
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// 429, with how long to wait, for what was tried too often.
pub(crate) fn throttled(what: &str, wait: Duration) -> Problem {
    let seconds = seconds(wait);
    Problem::new(&ProblemType::TOO_MANY_REQUESTS)
        .detail(format!("{what} Try again in {seconds} seconds."))
        .with("reset", seconds)
        .retry_after(wait)
}

/// Rounded up: who comes back after so many whole seconds is not too early.
pub(crate) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
