//! What happens to passkeys. It belongs to no tenant, so it is recorded in the program's own ledger.

use saas_core::{Event, EventSeverity};
use serde::Serialize;
use utoipa::ToSchema;

use super::PasskeyId;

/// A passkey opens an account from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyAdded {
    pub(super) passkey: PasskeyId,
}

impl Event for PasskeyAdded {
    const NAME: &'static str = "auth.passkey.added";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// A passkey is called something else.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyRenamed {
    pub(super) passkey: PasskeyId,
}

impl Event for PasskeyRenamed {
    const NAME: &'static str = "auth.passkey.renamed";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// A passkey opens an account no more. All other sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyRemoved {
    pub(super) passkey: PasskeyId,
}

impl Event for PasskeyRemoved {
    const NAME: &'static str = "auth.passkey.removed";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// The counter of a passkey stood still or went back: somebody has a copy. It opens nothing any more, and all sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasskeyCopied {
    pub(super) passkey: PasskeyId,
}

impl Event for PasskeyCopied {
    const NAME: &'static str = "auth.passkey.copied";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Critical;
    const PERMISSION: Option<&'static str> = None;
}
