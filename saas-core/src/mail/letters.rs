//! The letters that every product sends.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Letter, Link};
use crate::operator::OperatorRole;

/// Asks to confirm an address.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// What the reader is called.
    pub name: String,
    /// Where to confirm.
    pub href: Link,
    /// How long the link works.
    pub hours: i64,
}

/// Lets somebody choose a new password.
#[derive(Debug, Clone, Serialize)]
pub struct Reset {
    /// What the reader is called.
    pub name: String,
    /// Where to choose one.
    pub href: Link,
    /// How long the link works.
    pub minutes: i64,
}

/// Invites somebody into an organization.
#[derive(Debug, Clone, Serialize)]
pub struct Invitation {
    /// Who invites.
    pub inviter: String,
    /// The organization.
    pub organization: String,
    /// Where to accept.
    pub href: Link,
    /// How long the link works.
    pub days: i64,
}

/// Greets somebody who has just begun.
#[derive(Debug, Clone, Serialize)]
pub struct Welcome {
    /// What the reader is called.
    pub name: String,
    /// Where to begin.
    pub href: Link,
}

/// Says that money has arrived.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    /// What the organization is called that paid.
    pub organization: String,
    /// The invoice's number.
    pub number: String,
    /// When it was paid.
    pub paid_at: DateTime<Utc>,
    /// How much arrived, with its currency.
    pub amount: String,
    /// Where the invoice is.
    pub href: Link,
}

/// Says that a payment did not go through.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentFailed {
    /// What the organization is called that has to pay.
    pub organization: String,
    /// The sum, with its currency.
    pub amount: String,
    /// When it will be tried again, if it will.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Until when everything can be used all the same, if something ends with it.
    pub works_until: Option<DateTime<Utc>>,
    /// Whether nothing can be changed before it is paid.
    pub locked: bool,
    /// Whether nothing can be used at all before it is paid.
    pub suspended: bool,
    /// Where to change how one pays.
    pub href: Link,
}

/// Says that a plan's limit is near or reached.
#[derive(Debug, Clone, Serialize)]
pub struct LimitWarning {
    /// What the organization is called whose limit it is.
    pub organization: String,
    /// The key of the text that says what is limited.
    pub what: String,
    /// How much is used.
    pub used: u64,
    /// How much the plan allows.
    pub limit: u32,
    /// Where to change the plan.
    pub href: Link,
}

/// Tells the owner of an account what happened to it.
#[derive(Debug, Clone, Serialize)]
pub struct SecurityNotice {
    /// What the reader is called.
    pub name: String,
    /// What happened.
    pub what: SecurityEvent,
    /// As what the reader runs the product, if that is what happened.
    pub role: Option<OperatorRole>,
    /// When.
    pub at: DateTime<Utc>,
    /// From where, if that is known.
    pub address: Option<String>,
    /// With what, if that is known.
    pub device: Option<String>,
    /// Which program lost its access, if that is what happened and it has a name.
    pub program: Option<String>,
    /// Where to undo it.
    pub href: Link,
    /// Where whoever reads the mail chooses another password, also if somebody else has changed the one that there was.
    pub reset: Link,
}

/// What a [`SecurityNotice`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityEvent {
    /// Somebody signed in from a browser that was not seen before.
    NewSignIn,
    /// The password was changed.
    PasswordChanged,
    /// The address was changed; the letter goes to the old one.
    EmailChanged,
    /// A second factor was added.
    FactorAdded,
    /// A second factor was removed.
    FactorRemoved,
    /// The backup codes were replaced by new ones.
    BackupCodesRenewed,
    /// One of the backup codes was used.
    BackupCodeUsed,
    /// Whoever knows the password entered so many wrong codes that no more are tried for a while.
    CodesRefused,
    /// A key for programs was made.
    KeyCreated,
    /// A token that was used up was used again: two programs have it, of which one stole it.
    TokenReused,
    /// An account elsewhere was linked: it opens this one too.
    IdentityLinked,
    /// An account elsewhere was unlinked.
    IdentityUnlinked,
    /// A passkey was added: it opens the account alone.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// There is a copy of a passkey, which opens nothing any more.
    PasskeyCopied,
    /// Whoever runs the product ended all sessions, and what programs might do: nobody's doing who has to be found out, so the letter asks nothing.
    SessionsEnded,
    /// The reader is one of those who run the product from now on, or in another role.
    OperatorGranted,
    /// They are so no more.
    OperatorRevoked,
}

/// What happened since the last one.
#[derive(Debug, Clone, Serialize)]
pub struct Digest {
    /// The organization.
    pub organization: String,
    /// The newest of it.
    pub entries: Vec<DigestEntry>,
    /// How much more there is.
    pub more: i64,
    /// Where to read all of it.
    pub href: Link,
    /// Where to choose what to be told.
    pub preferences: Link,
}

/// One entry of a [`Digest`].
#[derive(Debug, Clone, Serialize)]
pub struct DigestEntry {
    /// What happened, in the reader's language.
    pub title: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Where to read more.
    pub href: Link,
}

macro_rules! letters {
    ($($letter:ident = $template:literal,)*) => {$(
        impl Letter for $letter {
            const TEMPLATE: &'static str = $template;
        }
    )*};
}

letters! {
    Verification = "core/mail/verification",
    Reset = "core/mail/reset",
    Invitation = "core/mail/invitation",
    Welcome = "core/mail/welcome",
    Receipt = "core/mail/receipt",
    PaymentFailed = "core/mail/payment_failed",
    LimitWarning = "core/mail/limit_warning",
    SecurityNotice = "core/mail/security_notice",
    Digest = "core/mail/digest",
}
