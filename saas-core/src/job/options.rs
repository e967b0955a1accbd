use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{Job, JobId};
use crate::DbError;

/// When and how a job is done. The default: as soon as its turn comes.
#[derive(Debug, Clone, Default)]
pub struct JobOptions {
    time: Time,
    unique: Option<String>,
    attempts: Option<u16>,
    lane: Lane,
}

#[derive(Debug, Clone, Copy, Default)]
enum Time {
    #[default]
    Now,
    At(DateTime<Utc>),
    After(Duration),
}

/// Which of its tenant's jobs a job waits behind. Lanes of one tenant take turns with each other and with those of other tenants, so none
/// can be used against anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lane {
    /// Somebody waits for it, for example for a mail with a link.
    Urgent,
    /// The ordinary one.
    #[default]
    Normal,
    /// Exports, imports, digests: what may be thousands.
    Bulk,
}

impl Lane {
    const fn number(self) -> i16 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
        }
    }
}

/// What the database is told.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) payload: Value,
    pub(super) lane: i16,
    pub(super) unique: Option<String>,
    pub(super) attempts: i32,
    pub(super) delay: i64,
    pub(super) at: DateTime<Utc>,
}

impl JobOptions {
    /// As soon as its turn comes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Not before this time. The distance from now, by the program's [`Clock`](crate::Clock), is what the database counts down.
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.time = Time::At(at);
        self
    }

    /// Not before this has passed.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.time = Time::After(delay);
        self
    }

    /// While a job of this name and key of the same tenant waits, no second one is enqueued; the one that waits will see what this
    /// transaction wrote. A job that has begun already is not enough, and another is enqueued. Up to 200 characters.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique = Some(key.into());
        self
    }

    /// How often it is tried, instead of [`Job::ATTEMPTS`]; at least once.
    #[must_use]
    pub fn attempts(mut self, attempts: u16) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Which of the tenant's jobs it waits behind.
    #[must_use]
    pub fn lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    pub(super) fn row<J: Job>(self, job: &J, now: DateTime<Utc>) -> Result<Row, DbError> {
        let payload = serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?;
        Ok(Row {
            id: JobId::new().into(),
            payload,
            lane: self.lane.number(),
            unique: self.unique,
            attempts: i32::from(self.attempts.unwrap_or(J::ATTEMPTS).clamp(1, 1000)),
            delay: match self.time {
                Time::Now => 0,
                Time::At(at) => (at - now).num_microseconds().unwrap_or(i64::MAX).max(0),
                Time::After(delay) => microseconds(delay),
            },
            at: now,
        })
    }
}

/// As the database takes it; a century at most, which it can add to a date.
pub(super) fn microseconds(delay: Duration) -> i64 {
    const CENTURY: i64 = 100 * 365 * 24 * 60 * 60 * 1_000_000;
    i64::try_from(delay.as_micros()).unwrap_or(CENTURY).min(CENTURY)
}
