use serde::Serialize;
use utoipa::ToSchema;

use super::{Frequency, PersonalChannel};
use crate::{Change, Event, EventKind};

/// What is announced of what people want to hear of.
pub(crate) const EVENTS: &[EventKind] = &[EventKind::of::<NotificationPreferenceChanged>()];

/// Somebody wants to be told of a kind of thing in another way than before, or not any more. The subject is who.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationPreferenceChanged {
    /// The name of the event.
    pub kind: String,
    /// Where they are told of it.
    pub channel: PersonalChannel,
    /// How they were told of it, and are now.
    pub frequency: Change<Frequency>,
}

impl Event for NotificationPreferenceChanged {
    const NAME: &'static str = "notification.preference.changed";
    const TOPIC: &'static str = "preferences";
    const PERMISSION: Option<&'static str> = None;
}
