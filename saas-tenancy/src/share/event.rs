use saas_core::{Change, Event, EventSeverity, Permission as _, ShareLevel, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::MemberRead;

/// Something was shared with a member, or shared further than before.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareGiven {
    /// The kind of thing that the subject is.
    pub kind: &'static str,
    /// With whom.
    pub person: UserId,
    /// How far it was shared before, if it was, and is now.
    pub level: Change<Option<ShareLevel>>,
}

impl Event for ShareGiven {
    const NAME: &'static str = "tenancy.share.given";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "shares";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// Something is not shared with a member any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareEnded {
    /// The kind of thing that the subject is.
    pub kind: &'static str,
    /// With whom it was.
    pub person: UserId,
    /// How far it was.
    pub level: ShareLevel,
}

impl Event for ShareEnded {
    const NAME: &'static str = "tenancy.share.ended";
    const TOPIC: &'static str = "shares";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}
