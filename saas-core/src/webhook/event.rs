use serde::Serialize;
use utoipa::ToSchema;

use super::{EndpointState, MessageId, WebhookRead};
use crate::{Change, Event, EventKind, EventSeverity, Permission as _};

/// What is announced of webhooks themselves.
pub const EVENTS: &[EventKind] = &[
    EventKind::of::<WebhookDeliveryReplayed>(),
    EventKind::of::<WebhookEndpointAdded>(),
    EventKind::of::<WebhookEndpointChanged>(),
    EventKind::of::<WebhookEndpointDisabled>(),
    EventKind::of::<WebhookEndpointRemoved>(),
    EventKind::of::<WebhookSecretRevealed>(),
    EventKind::of::<WebhookSecretRotated>(),
];

/// The part of a page that shows endpoints.
pub(super) const TOPIC: &str = "webhooks";

/// An endpoint was added. Of its address only the host is told: paths of such addresses are often secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpointAdded {
    /// Whose host it is.
    pub host: String,
    /// Which events it hears of; none: all.
    pub events: Vec<String>,
}

impl Event for WebhookEndpointAdded {
    const NAME: &'static str = "webhook.endpoint.added";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(WebhookRead::NAME);
}

/// An endpoint was changed, paused or resumed.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpointChanged {
    /// Whose host it is.
    pub host: Change<String>,
    /// Whether its address is another, on the same host too.
    pub readdressed: bool,
    /// What people wrote of it.
    pub description: Change<String>,
    /// Which events it hears of; none: all.
    pub events: Change<Vec<String>>,
    /// Whether it is told anything.
    pub state: Change<EndpointState>,
}

impl Event for WebhookEndpointChanged {
    const NAME: &'static str = "webhook.endpoint.changed";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(WebhookRead::NAME);
}

/// Why an endpoint is told nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DisabledBecause {
    /// It answered 410.
    Gone,
    /// It did nothing but fail for 120 hours.
    Failing,
}

/// An endpoint is told nothing more until somebody resumes it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpointDisabled {
    /// Whose host it is.
    pub host: String,
    /// Why.
    pub because: DisabledBecause,
    /// How many messages it will not get.
    pub undelivered: u64,
}

impl Event for WebhookEndpointDisabled {
    const NAME: &'static str = "webhook.endpoint.disabled";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(WebhookRead::NAME);
}

/// An endpoint was removed, with all that waited for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpointRemoved {
    /// Whose host it was.
    pub host: String,
}

impl Event for WebhookEndpointRemoved {
    const NAME: &'static str = "webhook.endpoint.removed";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(WebhookRead::NAME);
}

/// Somebody had a message delivered once more.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDeliveryReplayed {
    /// Which message.
    pub message: MessageId,
    /// What it tells of.
    pub event: String,
}

impl Event for WebhookDeliveryReplayed {
    const NAME: &'static str = "webhook.delivery.replayed";
    const TOPIC: &'static str = TOPIC;
    const PERMISSION: Option<&'static str> = Some(WebhookRead::NAME);
}

/// Somebody looked at an endpoint's secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSecretRevealed {
    /// Whose host it is.
    pub host: String,
}

impl Event for WebhookSecretRevealed {
    const NAME: &'static str = "webhook.secret.revealed";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(WebhookRead::NAME);
}

/// An endpoint has a new secret; the one before signs beside it for a while.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSecretRotated {
    /// Whose host it is.
    pub host: String,
}

impl Event for WebhookSecretRotated {
    const NAME: &'static str = "webhook.secret.rotated";
    const TOPIC: &'static str = TOPIC;
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(WebhookRead::NAME);
}
