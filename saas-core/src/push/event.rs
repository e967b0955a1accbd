use serde::Serialize;
use utoipa::ToSchema;

use super::BrowserId;
use crate::{Event, EventKind, EventSeverity};

/// What is announced of browsers in which people are told.
pub(crate) const EVENTS: &[EventKind] = &[EventKind::of::<PushBrowserAdded>(), EventKind::of::<PushBrowserRemoved>()];

/// The part of a page that shows them.
const TOPIC: &str = "browsers";

/// Somebody wants to be told in a browser.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushBrowserAdded {
    /// Which one.
    pub browser: BrowserId,
}

impl Event for PushBrowserAdded {
    const NAME: &'static str = "push.browser.added";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Why a browser is told nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovedBecause {
    /// Its person said so.
    Wanted,
    /// The session is over in which it was allowed.
    SessionOver,
    /// Its push service said that it is gone.
    Gone,
    /// It was allowed anew, by somebody else or at another address.
    TakenOver,
}

/// Somebody is told nothing in a browser any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushBrowserRemoved {
    /// Which one.
    pub browser: BrowserId,
    /// Why.
    pub because: RemovedBecause,
}

impl Event for PushBrowserRemoved {
    const NAME: &'static str = "push.browser.removed";
    const TOPIC: &'static str = TOPIC;
    const PERMISSION: Option<&'static str> = None;
}
