//! Sign-up, sign-in, sessions and keys.
//!
//! Accounts with an email address and a password, sessions in the database, and keys for programs and machines. One layer tells who a request comes
//! from, as a [`Principal`](saas_core::Principal) that core's extractors read.
//!
//! ```
//! use saas_auth::{Auth, AuthBuildError, PasswordPolicy};
//! use saas_core::{CurrentUser, Db, MasterKey, Routes, mail::Outbox, pages::Pages};
//!
//! async fn greet(CurrentUser(me): CurrentUser) -> String {
//!     format!("Hello, {}", me.name)
//! }
//!
//! fn compose(
//!     db: &Db,
//!     keys: &MasterKey,
//!     outbox: Outbox,
//!     pages: Pages,
//!     public_url: url::Url,
//! ) -> Result<Routes, AuthBuildError> {
//!     let auth = Auth::builder(db, keys, outbox, pages, public_url)
//!         .password_policy(PasswordPolicy::asvs())
//!         .home("/devices")
//!         .agent_key_prefix("mon")
//!         .build()?;
//!     Ok(Routes::new().get("/greet", greet).merge(auth.routes()).layer(auth.layer()))
//! }
//! ```
//!
//! # Security
//!
//! * Passwords are kept as argon2id hashes, made and checked by a few workers with a short queue: a flood is sent away with 503.
//! * A session is a random token in a `__Host-` cookie; the database has its hash, and ending it holds from the next request on. Nothing
//!   is cached. One that nobody uses ends ([`SessionIdle`]), and whoever runs the product ends those of others ([`SessionEnder`]).
//! * After five wrong passwords no more are tried for a while at that account or from that network. A browser that has signed in before is not
//!   caught by it, and neither is whoever reads the account's mail: nobody locks somebody else out.
//! * A mail to sign in with works for ten minutes and once, by its link or by its code. The code is worth nothing in another browser than the one that
//!   asked, and five tries end it; the link is worth nothing until a button is pressed.
//! * Nobody learns from an answer, its time or the number of mails whether an address has an account.
//! * An address changes when the new mailbox and the old one have both agreed, and not if the password changes meanwhile. Whoever has lost the
//!   old mailbox needs whoever runs the product.
//! * Whoever has a second factor is asked for it however they sign in, and no mail stands in for it. What concerns the safety of an account or an
//!   organization takes somebody who has just shown who they are ([`RecentProof`]).
//! * A link in a mail works once, for 24 hours or, where it lets somebody choose another password, for one; and only when a button is pressed:
//!   opening it changes nothing.
//! * Whoever wants to be deleted is signed out everywhere and may come back for 30 days. Then nothing says who they were, but for what they agreed
//!   to and an id where they did something.
//! * An account elsewhere is recognized by its issuer and what that calls it, never by an address; what is believed of an address stands at
//!   [`Provider`]. Nothing of what a provider gave out is kept.
//! * A passkey (feature `passkeys`) is both factors at once: it is found without an address, and its device has recognized its person. One whose
//!   counter shows that there is a copy opens nothing any more.
//! * A key is recognized by its checksum before the database is asked, kept as a hash, and taken from a header alone. It may never do more than
//!   whoever made it may do now.
//! * A token is signed by a key that rotates, works for an hour, and counts no longer than the family that it is of: what it says gives no right. A
//!   refresh token that is used twice ends its family.
//!
//! [`asvs`] says of each item of the OWASP ASVS what holds and which test shows it.

#[doc = include_str!("../ASVS.md")]
pub mod asvs {}

mod account;
mod agent;
mod api_key;
mod attempt;
mod auth;
mod bearer;
mod builder;
mod document;
mod identity;
mod key;
mod layer;
mod mail;
mod migrations;
mod next;
mod operator;
#[cfg(feature = "passkeys")]
mod passkey;
mod password;
mod picture;
mod provider;
mod refused;
mod second_factor;
mod session;
mod step_up;
mod token;
mod web;

use saas_core::{EventKind, pages::PageSet};

pub use account::{
    AvatarError, ChangePasswordError, ConsentError, Credentials, DataExportError, DeletionError, EmailChange, EmailChangeError, NewAccount,
    Profile, ProfileError, ResetError, SignInError, SignUpError, VerifyError,
};
pub use agent::{AgentCredentialError, AgentKey, AgentKeyError, AgentKeyId, AgentKeyPrincipal, ByAgentKey, IssuedCredential, NewAgentKey};
pub use api_key::{API_KEY_NOTICES, ApiKey, ApiKeyError, ApiKeyRead, ApiKeyState, ApiKeyWrite, NewApiKey, Scope};
pub use attempt::AttemptLimit;
pub use auth::Auth;
pub use builder::{AuthBuildError, AuthBuilder};
pub use document::Document;
pub use identity::{Identity, IdentityError, IdentityId};
pub use key::{AllowedFrom, KeyFlaw, NoNetwork, Overlap, RotatedKey};
pub use layer::{AuthLayer, AuthService};
pub use migrations::MIGRATIONS;
pub use operator::{OperatorError, OperatorGrant, Operators};
#[cfg(feature = "passkeys")]
pub use passkey::{Passkey, PasskeyError, PasskeyId};
pub use password::{BreachedPasswords, BreachedPasswordsError, CommonPasswords, HashError, PasswordFlaw, PasswordPolicy};
pub use picture::PictureError;
#[cfg(feature = "dev-oidc")]
pub use provider::DevProvider;
pub use provider::{AppleKey, Provider, ProviderFlaw};
pub use refused::{Refusal, Refused};
pub use saas_core::{Email, InvalidEmail, RecentProof};
pub use second_factor::SecondFactorError;
pub use session::{EndedSessions, Method, Session, SessionEnder, SessionIdle, SessionIdleError};
pub use token::{NewSigningKey, Rotation, SigningKeyError, TokenError, TokenFamily, signing_key_rotate};

/// What this crate announces. What happens to keys and credentials is the tenant's; the rest is the program's own.
pub const EVENTS: &[EventKind] = &[
    EventKind::of::<account::AccountCreated>(),
    EventKind::of::<account::AccountErased>(),
    EventKind::of::<account::AccountVerified>(),
    EventKind::of::<account::AvatarChanged>(),
    EventKind::of::<account::ConsentGiven>(),
    EventKind::of::<account::ConsentWithdrawn>(),
    EventKind::of::<account::DataExportAsked>(),
    EventKind::of::<account::DataExportRead>(),
    EventKind::of::<account::DataExportReady>(),
    EventKind::of::<account::DataExportRefused>(),
    EventKind::of::<account::DeletionAsked>(),
    EventKind::of::<account::DeletionRefused>(),
    EventKind::of::<account::EmailChangeStarted>(),
    EventKind::of::<account::EmailChangeConfirmed>(),
    EventKind::of::<account::EmailChangeStopped>(),
    EventKind::of::<account::EmailChanged>(),
    EventKind::of::<account::LeavingBegan>(),
    EventKind::of::<account::LeavingStopped>(),
    EventKind::of::<account::ProfileChanged>(),
    EventKind::of::<account::SignUpRepeated>(),
    EventKind::of::<account::LinkRequested>(),
    EventKind::of::<account::PasswordReset>(),
    EventKind::of::<account::PasswordChanged>(),
    EventKind::of::<account::PasswordChangeRefused>(),
    EventKind::of::<account::SignInRefused>(),
    EventKind::of::<account::SignInThrottled>(),
    EventKind::of::<account::SessionBegan>(),
    EventKind::of::<account::SessionsEnded>(),
    EventKind::of::<account::SessionsEndedByOperator>(),
    EventKind::of::<identity::IdentityLinked>(),
    EventKind::of::<identity::IdentityUnlinked>(),
    EventKind::of::<identity::ProviderRefused>(),
    EventKind::of::<identity::MailboxAsked>(),
    #[cfg(feature = "passkeys")]
    EventKind::of::<passkey::PasskeyAdded>(),
    #[cfg(feature = "passkeys")]
    EventKind::of::<passkey::PasskeyRenamed>(),
    #[cfg(feature = "passkeys")]
    EventKind::of::<passkey::PasskeyRemoved>(),
    #[cfg(feature = "passkeys")]
    EventKind::of::<passkey::PasskeyCopied>(),
    EventKind::of::<operator::OperatorGranted>(),
    EventKind::of::<operator::OperatorRevoked>(),
    EventKind::of::<session::SessionHandedOff<'_>>(),
    EventKind::of::<step_up::SessionProved>(),
    EventKind::of::<step_up::SessionProofRefused>(),
    EventKind::of::<second_factor::SecondFactorOn>(),
    EventKind::of::<second_factor::SecondFactorOffRequested>(),
    EventKind::of::<second_factor::SecondFactorOffRefused>(),
    EventKind::of::<second_factor::SecondFactorOff>(),
    EventKind::of::<second_factor::SecondFactorRefused>(),
    EventKind::of::<second_factor::SecondFactorThrottled>(),
    EventKind::of::<second_factor::BackupCodesRenewed>(),
    EventKind::of::<second_factor::BackupCodeUsed>(),
    EventKind::of::<agent::AgentKeyCreated>(),
    EventKind::of::<agent::AgentKeyRotated>(),
    EventKind::of::<agent::AgentKeyNetworksChanged>(),
    EventKind::of::<agent::AgentKeyRevoked>(),
    EventKind::of::<agent::AgentCredentialIssued>(),
    EventKind::of::<agent::AgentCredentialRotated>(),
    EventKind::of::<agent::AgentCredentialRevoked>(),
    EventKind::of::<api_key::ApiKeyCreated>(),
    EventKind::of::<api_key::ApiKeyRotated>(),
    EventKind::of::<api_key::ApiKeyAllowedFromChanged>(),
    EventKind::of::<api_key::ApiKeyRevoked>(),
    EventKind::of::<api_key::ApiKeyExposed>(),
    EventKind::of::<api_key::ApiKeyLeaked>(),
    EventKind::of::<token::TokensIssued>(),
    EventKind::of::<token::TokensEnded>(),
    EventKind::of::<token::TokensReused>(),
    EventKind::of::<token::SigningKeyRotated>(),
];

/// The pages and mails of this crate.
pub const PAGES: PageSet = saas_core::page_set!("auth", assets);
