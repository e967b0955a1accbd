use saas_core::{Change, Event, EventSeverity, Permission as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::MemberRead;

/// An organization made a role.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleCreated<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What it may do.
    pub permissions: &'a [String],
}

impl Event for RoleCreated<'_> {
    const NAME: &'static str = "tenancy.role.created";
    const TOPIC: &'static str = "members";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// A role may do something else, or is called otherwise; that holds for all who have it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleChanged<'a> {
    /// What it is called, before and now.
    #[schema(value_type = Change<String>)]
    pub name: Change<&'a str>,
    /// What it may do, before and now.
    #[schema(value_type = Change<Vec<String>>)]
    pub permissions: Change<&'a [String]>,
}

impl Event for RoleChanged<'_> {
    const NAME: &'static str = "tenancy.role.changed";
    const TOPIC: &'static str = "members";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// A role that nobody had any more was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleDeleted<'a> {
    /// What it was called.
    pub name: &'a str,
}

impl Event for RoleDeleted<'_> {
    const NAME: &'static str = "tenancy.role.deleted";
    const TOPIC: &'static str = "members";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}
