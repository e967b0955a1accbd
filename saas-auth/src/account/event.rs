//! What happens to accounts and sessions. It belongs to no tenant, so it is recorded in the program's own ledger.

use chrono::{DateTime, Utc};
use saas_core::{Change, Event, EventSeverity, Personal, SessionId, TokenFamilyId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{BoundToken, Side};
use crate::session::Method;

/// Somebody signed up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountCreated<'a> {
    #[schema(value_type = String)]
    pub(crate) email: Personal<&'a str>,
}

impl Event for AccountCreated<'_> {
    const NAME: &'static str = "auth.account.created";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody tried to sign up with the address of an account that there was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignUpRepeated<'a> {
    #[schema(value_type = String)]
    pub(crate) email: Personal<&'a str>,
}

impl Event for SignUpRepeated<'_> {
    const NAME: &'static str = "auth.sign_up.repeated";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody showed that an address is theirs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountVerified {
    /// Whether somebody else had signed up with it before: their password and their sessions ended.
    pub(crate) replaced: bool,
}

impl Event for AccountVerified {
    const NAME: &'static str = "auth.account.verified";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody changed what they are called or how they want to be addressed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileChanged {
    /// Which of it: `name`, `locale`, `time_zone`, `theme`.
    pub(crate) changed: Vec<&'static str>,
}

impl Event for ProfileChanged {
    const NAME: &'static str = "auth.profile.changed";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody changed their picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AvatarChanged {
    /// Whether they have one now.
    pub(crate) has_one: bool,
}

impl Event for AvatarChanged {
    const NAME: &'static str = "auth.avatar.changed";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody wants another address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmailChangeStarted<'a> {
    #[schema(value_type = String)]
    pub(crate) email: Personal<&'a str>,
}

impl Event for EmailChangeStarted<'_> {
    const NAME: &'static str = "auth.email_change.started";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Whoever reads one of the two addresses agrees.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmailChangeConfirmed {
    /// The new address or the old.
    pub(crate) side: Side,
}

impl Event for EmailChangeConfirmed {
    const NAME: &'static str = "auth.email_change.confirmed";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// The address stays as it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmailChangeStopped {
    /// Whoever reads the new address or the old; none if it was the person who began it.
    pub(crate) by: Option<Side>,
}

impl Event for EmailChangeStopped {
    const NAME: &'static str = "auth.email_change.stopped";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// An account has another address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmailChanged<'a> {
    #[schema(value_type = Change<String>)]
    pub(crate) email: Change<Personal<&'a str>>,
}

impl Event for EmailChanged<'_> {
    const NAME: &'static str = "auth.account.email_changed";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionBegan {
    pub(crate) session: SessionId,
    /// Whether it outlives the browser.
    pub(crate) remembered: bool,
    /// What they have shown.
    pub(crate) methods: Vec<Method>,
}

impl Event for SessionBegan {
    const NAME: &'static str = "auth.session.began";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody was not signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInRefused {}

impl Event for SignInRefused {
    const NAME: &'static str = "auth.sign_in.refused";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// So many passwords or codes were wrong that no more are tried for a while, but with a mailed link or in a browser that has signed in before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInThrottled {}

impl Event for SignInThrottled {
    const NAME: &'static str = "auth.sign_in.throttled";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody ended sessions: by signing out, or from the list of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionsEnded {
    pub(crate) sessions: Vec<SessionId>,
}

impl Event for SessionsEnded {
    const NAME: &'static str = "auth.sessions.ended";
    const TOPIC: &'static str = "sessions";
    const PERMISSION: Option<&'static str> = None;
}

/// Whoever runs the product ended all that somebody was signed in with, and all that programs might do for them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionsEndedByOperator<'a> {
    pub(crate) sessions: Vec<SessionId>,
    /// The programs' families of tokens.
    pub(crate) families: Vec<TokenFamilyId>,
    /// Why.
    pub(crate) reason: &'a str,
}

impl Event for SessionsEndedByOperator<'_> {
    const NAME: &'static str = "auth.sessions.ended_by_operator";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody asked for a mail to sign in with or to choose another password, whether or not there is an account with the address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkRequested {
    pub(crate) opens: BoundToken,
}

impl Event for LinkRequested {
    const NAME: &'static str = "auth.link.requested";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody chose another password with a link from a mail. All sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasswordReset {}

impl Event for PasswordReset {
    const NAME: &'static str = "auth.password.reset";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody who is signed in chose another password. All other sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasswordChanged {}

impl Event for PasswordChanged {
    const NAME: &'static str = "auth.password.changed";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody who is signed in did not know the password that they wanted to change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasswordChangeRefused {}

impl Event for PasswordChangeRefused {
    const NAME: &'static str = "auth.password.change_refused";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody wants their account to be deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletionAsked {}

impl Event for DeletionAsked {
    const NAME: &'static str = "auth.deletion.asked";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody who is signed in wanted the account to be deleted and did not know the password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletionRefused {}

impl Event for DeletionRefused {
    const NAME: &'static str = "auth.deletion.refused";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody leaves, unless they come back in time. All their sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeavingBegan {
    /// When their account is deleted.
    pub(crate) until: DateTime<Utc>,
}

impl Event for LeavingBegan {
    const NAME: &'static str = "auth.leaving.began";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody who was leaving came back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeavingStopped {}

impl Event for LeavingStopped {
    const NAME: &'static str = "auth.leaving.stopped";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody was erased: of them an id remains.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountErased {
    /// How many rows were deleted or emptied.
    pub(crate) rows: u64,
}

impl Event for AccountErased {
    const NAME: &'static str = "auth.account.erased";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody agreed to a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentGiven {
    pub(crate) document: &'static str,
    pub(crate) version: &'static str,
}

impl Event for ConsentGiven {
    const NAME: &'static str = "auth.consent.given";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody took back what they had agreed to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsentWithdrawn {
    pub(crate) document: &'static str,
    pub(crate) version: &'static str,
}

impl Event for ConsentWithdrawn {
    const NAME: &'static str = "auth.consent.withdrawn";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody wants to be given all that is kept of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataExportAsked {}

impl Event for DataExportAsked {
    const NAME: &'static str = "auth.export.asked";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody who is signed in wanted the data of the account and did not know the password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataExportRefused {}

impl Event for DataExportRefused {
    const NAME: &'static str = "auth.export.refused";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

/// What somebody is given of their data is packed, and they were mailed where it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataExportReady {}

impl Event for DataExportReady {
    const NAME: &'static str = "auth.export.ready";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody took the data that was packed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataExportRead {}

impl Event for DataExportRead {
    const NAME: &'static str = "auth.export.read";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}
