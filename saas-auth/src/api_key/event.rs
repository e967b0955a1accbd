use chrono::{DateTime, Utc};
use saas_core::{AuditRead, Change, Event, EventSeverity, Permission as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::AllowedFrom;

/// A key was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyCreated<'a> {
    pub(super) name: &'a str,
    /// The permissions that it may use.
    #[schema(value_type = Vec<String>)]
    pub(super) scopes: &'a [&'static str],
    pub(super) allowed_from: &'a AllowedFrom,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

impl Event for ApiKeyCreated<'_> {
    const NAME: &'static str = "auth.api_key.created";
    const TOPIC: &'static str = "api_keys";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A key got another secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyRotated {
    pub(super) previous_until: DateTime<Utc>,
}

impl Event for ApiKeyRotated {
    const NAME: &'static str = "auth.api_key.rotated";
    const TOPIC: &'static str = "api_keys";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A key may be used from other networks than before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyAllowedFromChanged {
    /// From where; everywhere if empty.
    pub(super) allowed_from: Change<AllowedFrom>,
}

impl Event for ApiKeyAllowedFromChanged {
    const NAME: &'static str = "auth.api_key.allowed_from_changed";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "api_keys";
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A key was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyRevoked {}

impl Event for ApiKeyRevoked {
    const NAME: &'static str = "auth.api_key.revoked";
    const TOPIC: &'static str = "api_keys";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// A key stood in the address of a request. It was refused there and works on elsewhere: whoever looks after it should replace it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyExposed {
    pub(super) name: String,
}

impl Event for ApiKeyExposed {
    const NAME: &'static str = "auth.api_key.exposed";
    const TOPIC: &'static str = "api_keys";
    const SEVERITY: EventSeverity = EventSeverity::Critical;
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}

/// Somebody found a key where it should not be and said so; it was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyLeaked {
    pub(super) name: String,
    /// Where it was found, as the finder says.
    pub(super) found_at: Option<String>,
}

impl Event for ApiKeyLeaked {
    const NAME: &'static str = "auth.api_key.leaked";
    const TOPIC: &'static str = "api_keys";
    const SEVERITY: EventSeverity = EventSeverity::Critical;
    const PERMISSION: Option<&'static str> = Some(AuditRead::NAME);
}
