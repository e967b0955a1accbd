//! All that is an organization's, given to its owner (CMP-01): asked for, packed by a job in the organization's own context, and there for a day.

mod api;
mod event;
mod letter;
mod operation;
mod pack;
mod page;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{DbError, Listed, Order, OrderBy, Problem, ProblemType, Routes, TenantArchiveError, file::FileError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Tenancy;

pub use event::{OrganizationExportAsked, OrganizationExportFailed, OrganizationExportRead, OrganizationExportReady};

/// How long an archive is there.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How often an organization's data is packed in a day.
const MOST: i64 = 3;

/// In how long.
const DAY: TimeDelta = TimeDelta::hours(24);

saas_core::ids! {
    /// One archive of an organization's data.
    pub OrganizationExportId;
}

/// An archive of an organization's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganizationExport {
    /// Its id.
    pub id: OrganizationExportId,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it was packed; none while it is not.
    pub ready_at: Option<DateTime<Utc>>,
    /// When it is gone again.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was given up, however often it was tried; one may ask again.
    pub failed_at: Option<DateTime<Utc>>,
    /// How many bytes it has.
    pub bytes: Option<i64>,
}

impl Listed for OrganizationExport {
    const ORDERS: &'static [Order] = &[Order::new("asked_at", "asked_at", OrderBy::Time)];
}

/// An organization's data is not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrganizationExportError {
    /// It was asked for three times within a day.
    #[error("it was asked for too often")]
    Often {
        /// When it may be asked for again.
        until: DateTime<Utc>,
        /// In how long that is.
        wait: std::time::Duration,
    },
    /// There is no such archive, or not yet, or not any more.
    #[error("there is no such archive")]
    Missing,
    /// It could not be packed or read.
    #[error(transparent)]
    Archive(#[from] TenantArchiveError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for OrganizationExportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<OrganizationExportError> for Problem {
    fn from(error: OrganizationExportError) -> Self {
        match error {
            OrganizationExportError::Often { wait, .. } => Self::new(&ProblemType::TOO_MANY_REQUESTS)
                .detail("the organization's data was packed three times within a day")
                .retry_after(wait),
            OrganizationExportError::Missing => Self::not_found(),
            OrganizationExportError::Archive(TenantArchiveError::File(FileError::Missing)) => Self::not_found(),
            OrganizationExportError::Archive(TenantArchiveError::File(error)) => error.into(),
            OrganizationExportError::Archive(error) => Self::internal(error),
            OrganizationExportError::Database(error) => error.into(),
        }
    }
}

/// What belongs to the organization in which one works.
pub(crate) fn routes() -> Routes<Tenancy> {
    api::routes().merge(page::routes())
}
