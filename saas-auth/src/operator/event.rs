//! Who came to run the product, and who does no more. It belongs to no tenant, so it is recorded in the program's own ledger.

use saas_core::{Change, Event, EventSeverity, operator::OperatorRole};
use serde::Serialize;
use utoipa::ToSchema;

/// Somebody is one of those who run the product from now on, or in another role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorGranted<'a> {
    /// As what; from nothing, if they were none of them.
    pub(super) role: Change<Option<OperatorRole>>,
    /// Who did it, as the machine on which it was done calls them.
    pub(super) by: &'a str,
    /// Why.
    pub(super) reason: &'a str,
}

impl Event for OperatorGranted<'_> {
    const NAME: &'static str = "auth.operator.granted";
    const TOPIC: &'static str = "operators";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody is one of them no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorRevoked<'a> {
    /// What they were until now.
    pub(super) role: OperatorRole,
    /// Who did it, as the machine on which it was done calls them; nobody if it was the person, who turned the second factor off.
    pub(super) by: Option<&'a str>,
    /// Why.
    pub(super) reason: &'a str,
}

impl Event for OperatorRevoked<'_> {
    const NAME: &'static str = "auth.operator.revoked";
    const TOPIC: &'static str = "operators";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}
