//! What happens to second factors. It belongs to no tenant, so it is recorded in the program's own ledger.

use saas_core::{Event, EventSeverity};
use serde::Serialize;
use utoipa::ToSchema;

/// Somebody set up an authenticator app. All other sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactorOn {
    /// Whether it took the place of another one.
    pub(super) replaced: bool,
}

impl Event for SecondFactorOn {
    const NAME: &'static str = "auth.second_factor.on";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody wants to be asked for a second factor no more: a mail asks whether it was them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactorOffRequested {}

impl Event for SecondFactorOffRequested {
    const NAME: &'static str = "auth.second_factor.off_requested";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody who is signed in wanted to turn the second factor off and did not know the password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactorOffRefused {}

impl Event for SecondFactorOffRefused {
    const NAME: &'static str = "auth.second_factor.off_refused";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// A second factor is asked for no more. All other sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactorOff {}

impl Event for SecondFactorOff {
    const NAME: &'static str = "auth.second_factor.off";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// A code was wrong, or had been used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactorRefused {}

impl Event for SecondFactorRefused {
    const NAME: &'static str = "auth.second_factor.refused";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// So many codes were wrong that none is tried for a while but backup codes. Whoever entered them knows the password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactorThrottled {}

impl Event for SecondFactorThrottled {
    const NAME: &'static str = "auth.second_factor.throttled";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Critical;
    const PERMISSION: Option<&'static str> = None;
}

/// New backup codes took the place of those that there were.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupCodesRenewed {}

impl Event for BackupCodesRenewed {
    const NAME: &'static str = "auth.backup_codes.renewed";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// A backup code was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupCodeUsed {
    /// How many are left.
    pub(super) left: i64,
}

impl Event for BackupCodeUsed {
    const NAME: &'static str = "auth.backup_code.used";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}
