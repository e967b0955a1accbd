use serde::Serialize;
use utoipa::ToSchema;

use super::{ChatFormat, ChatRead, ChatState};
use crate::{Change, Event, EventKind, EventSeverity, Permission as _};

/// What is announced of chat channels themselves.
pub const EVENTS: &[EventKind] = &[
    EventKind::of::<ChatChannelAdded>(),
    EventKind::of::<ChatChannelChanged>(),
    EventKind::of::<ChatChannelFailed>(),
    EventKind::of::<ChatChannelRemoved>(),
];

/// The part of a page that shows channels.
pub(super) const TOPIC: &str = "channels";

/// A channel was added. Of its address only the host is told: the rest is a secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatChannelAdded {
    /// What people call it.
    pub name: String,
    /// How it takes messages.
    pub format: ChatFormat,
    /// Whose host it is.
    pub host: String,
    /// The kinds of notices that it is told; none: all.
    pub kinds: Vec<String>,
    /// How much something must matter, of these kinds, that it is told.
    pub severity: EventSeverity,
}

impl Event for ChatChannelAdded {
    const NAME: &'static str = "chat.channel.added";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(ChatRead::NAME);
}

/// A channel was changed, paused or resumed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatChannelChanged {
    /// What people call it.
    pub name: Change<String>,
    /// Whose host it is.
    pub host: Change<String>,
    /// Whether its address is another, on the same host too.
    pub readdressed: bool,
    /// The kinds of notices that it is told; none: all.
    pub kinds: Change<Vec<String>>,
    /// How much something must matter, of these kinds, that it is told.
    pub severity: Change<EventSeverity>,
    /// Whether it is told anything.
    pub state: Change<ChatState>,
}

impl Event for ChatChannelChanged {
    const NAME: &'static str = "chat.channel.changed";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(ChatRead::NAME);
}

/// A message was given up, the first since one arrived; or the channel said that there is nobody.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatChannelFailed {
    /// What people call it.
    pub name: String,
    /// Whose host it is.
    pub host: String,
    /// What was answered, if anything was.
    pub status: Option<i32>,
    /// Whether it is told nothing more until somebody resumes it, or goes on being tried with what happens next.
    pub state: ChatState,
    /// How many messages it will not get.
    pub undelivered: u64,
}

impl Event for ChatChannelFailed {
    const NAME: &'static str = "chat.channel.failed";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(ChatRead::NAME);
}

/// A channel was removed, with all that waited for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatChannelRemoved {
    /// What people called it.
    pub name: String,
    /// Whose host it was.
    pub host: String,
}

impl Event for ChatChannelRemoved {
    const NAME: &'static str = "chat.channel.removed";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(ChatRead::NAME);
}
