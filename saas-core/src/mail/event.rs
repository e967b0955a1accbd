use serde::Serialize;
use utoipa::ToSchema;

use super::{MailWrite, SuppressionReason};
use crate::{Change, Event, EventKind, EventSeverity, Permission as _};

/// What is announced of an organization's mail.
pub const EVENTS: &[EventKind] = &[EventKind::of::<MailBrandChanged>(), EventKind::of::<MailAddressLifted>()];

/// The part of a page that shows it.
const TOPIC: &str = "mail";

/// An organization's mail looks otherwise, or speaks another language.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailBrandChanged {
    /// In whose name it is.
    pub name: Change<Option<String>>,
    /// The address of the picture at its head.
    pub logo: Change<Option<String>>,
    /// What its buttons are filled with.
    pub color: Change<Option<String>>,
    /// The language for readers who chose none.
    pub locale: Change<Option<String>>,
}

impl Event for MailBrandChanged {
    const NAME: &'static str = "mail.brand.changed";
    const TOPIC: &'static str = TOPIC;
    const PERMISSION: Option<&'static str> = Some(MailWrite::NAME);
}

/// Mail goes again to a member whose address it came back from.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailAddressLifted {
    /// Why none went.
    pub reason: SuppressionReason,
}

impl Event for MailAddressLifted {
    const NAME: &'static str = "mail.address.lifted";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MailWrite::NAME);
}
