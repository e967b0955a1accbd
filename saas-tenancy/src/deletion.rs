//! The end of an organization (TEN-01): asked for by an owner who types its name, at once out of everybody's sight, and final 30 days later.

mod api;
mod leave;
mod letter;
mod page;
mod purge;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    DbError, Event, EventSeverity, FieldError, Listed, Order, OrderBy, Permission as _, Problem, Routes, TenantId, mail::MailInError,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{OrganizationWrite, Tenancy};

pub use purge::OrganizationPurgeError;

/// For how long an owner may bring it back.
const GRACE: TimeDelta = TimeDelta::days(30);

/// An organization that will be deleted, as those see it who own it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeavingOrganization {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// When it is deleted. Until then it can be brought back.
    pub until: DateTime<Utc>,
}

impl Listed for LeavingOrganization {
    const ORDERS: &'static [Order] = &[Order::new("name", "lower(name)", OrderBy::Text)];
}

/// An organization cannot be deleted or brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrganizationDeletionError {
    /// What was typed is not its name.
    #[error("the name that was typed is not the organization's")]
    Name,
    /// Whoever asks does not own it, or it is in no state for it.
    #[error("there is no such organization of the person's")]
    NotFound,
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for OrganizationDeletionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<OrganizationDeletionError> for Problem {
    fn from(error: OrganizationDeletionError) -> Self {
        match error {
            OrganizationDeletionError::Name => Self::invalid([FieldError::new("/name", "must be the organization's name")]),
            OrganizationDeletionError::NotFound => Self::not_found(),
            OrganizationDeletionError::Mail(error) => error.into(),
            OrganizationDeletionError::Database(error) => error.into(),
        }
    }
}

/// An organization will be deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationLeaving {
    /// When.
    pub until: DateTime<Utc>,
}

impl Event for OrganizationLeaving {
    const NAME: &'static str = "tenancy.organization.leaving";
    const TOPIC: &'static str = "organization";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(OrganizationWrite::NAME);
}

/// Somebody wants an organization deleted. It is the program's own event, and proves who wanted it when the organization's log is gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationDeletionBegan {
    /// When it is deleted, unless somebody brings it back.
    pub until: DateTime<Utc>,
}

impl Event for OrganizationDeletionBegan {
    const NAME: &'static str = "tenancy.organization.deletion_began";
    const TOPIC: &'static str = "organization";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// An organization will not be deleted after all.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationRestored {}

impl Event for OrganizationRestored {
    const NAME: &'static str = "tenancy.organization.restored";
    const TOPIC: &'static str = "organization";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(OrganizationWrite::NAME);
}

/// An organization is no more. It is the program's own event: the organization's log is gone with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationPurged {
    /// How many rows went.
    pub rows: u64,
}

impl Event for OrganizationPurged {
    const NAME: &'static str = "tenancy.organization.purged";
    const TOPIC: &'static str = "organization";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// What belongs to the organization in which one works.
pub(crate) fn routes() -> Routes<Tenancy> {
    api::routes().merge(page::routes())
}

/// What its owners see of one that is out of sight.
pub(crate) fn outside_routes() -> Routes<Tenancy> {
    api::outside_routes().merge(page::outside_routes())
}
