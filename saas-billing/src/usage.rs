//! Usage as a record: how much of each meter, in which hour, and by whom. Two ways lead into one table of sums.
//!
//! *What is billed or otherwise dear* is recorded in the transaction of the work itself ([`Billing::record_in`]): both happen or neither does, and
//! the same event counts once. *What is not* is counted in memory ([`Counts`](crate::Counts)), costs a request no question to the database, and
//! may lose what came since it was last written.
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! use saas_billing::{Billing, By, Meter, Recorded, Use, UseError};
//! use saas_core::{AgentId, TenantTx};
//!
//! const MESSAGES: Meter = Meter::new("messages");
//!
//! async fn sent(billing: &Billing, tx: &mut TenantTx, agent: AgentId, message: &str) -> Result<Recorded, UseError> {
//!     // … and insert the message in the same transaction.
//!     billing.record_in(tx, Use::new(MESSAGES, NonZeroU32::MIN, By::Agent(agent), message)).await
//! }
//! ```
//!
//! A meter is recorded in one of the two ways and not in both: then who records one waits for nobody who counts.
//!
//! # Security
//!
//! Where a client says the id of an event, put who it is before it, as in `{agent}:{id}`. An id is known once for a tenant and meter, and whoever
//! uses another's id first keeps the other's use from being recorded.
//!
//! Sums are kept by the hour for 25 months; days and months are added up when somebody asks. Events are kept for
//! 60 days, which is longer than one may be late: until then the sum of the events of an hour is the sum of the hour.

mod counts;
mod layer;
mod read;

pub use counts::{Counts, RunningCounts};
pub use layer::{CountLayer, CountService};
pub(crate) use read::{Bucket, Place, Question, Span, SpanError, Whose};

use std::{borrow::Cow, num::NonZeroU32};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use saas_core::{Actor, AgentId, DbError, FieldError, KeyId, Problem, TenantTx, UserId};
use sqlx::{query, query_scalar};
use uuid::Uuid;

use crate::{Billing, Meter, Period};

/// How late a use may be recorded: what was measured offline counts in the hour in which it happened. A month and some days, so that a bill for
/// a month waits for nothing longer.
const LATE: TimeDelta = TimeDelta::days(35);

/// How wrong the clock may be of whoever says when something happened.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// How long the events are kept that count a use once.
pub(crate) const EVENTS_KEPT_DAYS: u16 = 60;

/// How long sums are kept: two years to compare with, and the month that is not over.
pub(crate) const SUMS_KEPT_DAYS: u16 = 762;

/// How long an id of an event may be.
const LONGEST_EVENT: usize = 200;

/// The name of a part of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tool(&'static str);

impl Tool {
    /// Names it, in lower case, as it stands in the database.
    ///
    /// # Panics
    ///
    /// Panics if the name does not have 1 to 100 bytes, all of them visible ASCII: as a constant it does not compile.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(crate::meter::is_name(name), "a name has 1 to 100 bytes of visible ASCII");
        Self(name)
    }
}

/// By whom something was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// By a person, or by a program with a token of theirs.
    User(UserId),
    /// By a program with an API key.
    Key(KeyId),
    /// By a machine.
    Agent(AgentId),
    /// By a part of the product that people choose: an export, a model.
    Tool(Tool),
    /// By the program itself, or by those who run it.
    System,
}

impl By {
    /// The kind, and who it is: as it is stored.
    fn columns(self) -> (&'static str, Cow<'static, str>) {
        let id = |id: Uuid| Cow::Owned(id.to_string());
        match self {
            Self::User(user) => ("user", id(user.into())),
            Self::Key(key) => ("key", id(key.into())),
            Self::Agent(agent) => ("agent", id(agent.into())),
            Self::Tool(tool) => ("tool", Cow::Borrowed(tool.0)),
            Self::System => ("system", Cow::Borrowed("")),
        }
    }
}

/// Whoever acts for somebody uses nothing of theirs.
impl From<Actor> for By {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User(user) => Self::User(user),
            Actor::Key(key) => Self::Key(key),
            Actor::Agent(agent) => Self::Agent(agent),
            _ => Self::System,
        }
    }
}

/// Something was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use<'a> {
    meter: Meter,
    quantity: NonZeroU32,
    by: By,
    event: &'a str,
    at: Option<DateTime<Utc>>,
}

impl<'a> Use<'a> {
    /// So much of `meter` was used now. `event` is the id of what happened, of 1 to 200 characters: a UUID, or whatever else of the tenant names
    /// it and nothing else of this meter. The same use under an id that is known counts no more, and another one is refused.
    ///
    /// An id is known for 60 days. Whoever may send a use again after that says [when](Self::at) it happened, so that it is refused as too late;
    /// without a time it would count again.
    #[must_use]
    pub const fn new(meter: Meter, quantity: NonZeroU32, by: By, event: &'a str) -> Self {
        Self { meter, quantity, by, event, at: None }
    }

    /// It happened then. It counts in the hour in which it did.
    #[must_use]
    pub const fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = Some(at);
        self
    }
}

/// What came of recording a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was added.
    Added,
    /// Its event was recorded before, and nothing was added.
    Known,
}

/// A use was not recorded.
///
/// What is wrong with the use itself leaves the transaction as it was, and the caller says whether the work is worth doing without. If the database fails, the transaction is over as after any statement that fails: nothing that is billed happens without
/// its record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UseError {
    /// The id of the event is none.
    #[error("the id of an event has 1 to {LONGEST_EVENT} characters, none of them a NUL")]
    Event,
    /// It happened too long ago: what was used in that hour may have been billed.
    #[error("what happened at {0} is more than 35 days old")]
    Late(DateTime<Utc>),
    /// It has not happened yet.
    #[error("what happens at {0} has not happened yet")]
    Ahead(DateTime<Utc>),
    /// The id of the event is that of another use of the meter: of another quantity, or by somebody else.
    #[error("the id of the event is that of another use")]
    Taken,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for UseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// 422 for what is wrong with the use, for products that let their clients say it.
impl From<UseError> for Problem {
    fn from(error: UseError) -> Self {
        let bounds = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        match error {
            UseError::Database(error) => error.into(),
            wrong @ (UseError::Event | UseError::Taken) => Self::invalid([FieldError::new("/event", wrong.to_string())]),
            UseError::Late(at) => Self::invalid([FieldError::new("/at", format!("{} is more than 35 days ago", bounds(at)))]),
            UseError::Ahead(at) => Self::invalid([FieldError::new("/at", format!("{} has not come yet", bounds(at)))]),
        }
    }
}

impl Billing {
    /// Records that something was used, once, in the transaction of the work that uses it.
    ///
    /// Until the transaction ends the event is locked, and the sum of the hour for whoever records the same meter for the same [`By`]. So record last,
    /// after quotas are [reserved](Self::reserve_in), and several in one order: by the meter's name, then the hour, the [`By`] and the event.
    ///
    /// What happened up to 35 days ago counts in its hour, and what is older is refused. A clock may be five minutes ahead: that counts as now.
    ///
    /// # Errors
    ///
    /// Fails if the use cannot be recorded or its event is that of another use, with the transaction as it was, or if the database fails.
    pub async fn record_in(&self, tx: &mut TenantTx, used: Use<'_>) -> Result<Recorded, UseError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let at = used.at.unwrap_or(now);
        if !(1..=LONGEST_EVENT).contains(&used.event.chars().count()) || used.event.contains('\0') {
            return Err(UseError::Event);
        }
        if at < now - LATE {
            return Err(UseError::Late(at));
        }
        if at > now + AHEAD {
            return Err(UseError::Ahead(at));
        }
        let at = at.min(now);
        let (kind, id) = used.by.columns();
        let added = query!(
            r#"with recorded as (
                insert into usage_event (tenant_id, meter, event, quantity, at, by_kind, by_id, recorded_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8)
                on conflict (tenant_id, meter, event) do nothing
                returning tenant_id, meter, quantity, by_kind, by_id
            )
            insert into usage_hour as sum (tenant_id, meter, hour, by_kind, by_id, quantity)
            select tenant_id, meter, $9, by_kind, by_id, quantity from recorded
            on conflict (tenant_id, meter, hour, by_kind, by_id) do update
                set quantity = least(sum.quantity::numeric + excluded.quantity, 9223372036854775807)::bigint"#,
            tenant,
            used.meter.name(),
            used.event,
            i64::from(used.quantity.get()),
            at,
            kind,
            &*id,
            now,
            Period::Hour.start(at),
        )
        .execute(&mut **tx)
        .await?;
        if added.rows_affected() > 0 {
            return Ok(Recorded::Added);
        }
        let is_same = query_scalar!(
            r#"select (quantity, by_kind, by_id) = ($4::bigint, $5::text, $6::text) as "is_same!" from usage_event
            where tenant_id = $1 and meter = $2 and event = $3"#,
            tenant,
            used.meter.name(),
            used.event,
            i64::from(used.quantity.get()),
            kind,
            &*id,
        )
        .fetch_optional(&mut **tx)
        .await?;
        // It may have been swept meanwhile.
        if is_same.unwrap_or(true) { Ok(Recorded::Known) } else { Err(UseError::Taken) }
    }
}
