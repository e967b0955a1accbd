use saas_core::{Event, EventSeverity, Permission as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::OrganizationWrite;

/// An owner asked for all that is the organization's.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationExportAsked {}

impl Event for OrganizationExportAsked {
    const NAME: &'static str = "tenancy.export.asked";
    const TOPIC: &'static str = "exports";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(OrganizationWrite::NAME);
}

/// All that is the organization's is packed.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationExportReady {
    /// How many bytes it has.
    pub bytes: u64,
}

impl Event for OrganizationExportReady {
    const NAME: &'static str = "tenancy.export.ready";
    const TOPIC: &'static str = "exports";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(OrganizationWrite::NAME);
}

/// All that is the organization's could not be packed, however often it was tried.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationExportFailed {}

impl Event for OrganizationExportFailed {
    const NAME: &'static str = "tenancy.export.failed";
    const TOPIC: &'static str = "exports";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(OrganizationWrite::NAME);
}

/// An owner took an archive of all that is the organization's.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationExportRead {}

impl Event for OrganizationExportRead {
    const NAME: &'static str = "tenancy.export.read";
    const TOPIC: &'static str = "exports";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(OrganizationWrite::NAME);
}
