//! Passkeys (WebAuthn): a device or a security key holds a private key for this application alone, and uses it for whoever unlocks it.
//!
//! A passkey is both factors at once, something that one has and what unlocks it, so whoever comes in with one is asked for nothing else. It is
//! found without an address (a discoverable credential), and the authenticator must have recognized its person (user verification).
//!
//! # Security
//!
//! * A passkey answers this origin and no other, so a page that looks like ours gets nothing out of it.
//! * What a browser is asked lies here, as the library's state, for five minutes and one answer; whoever answers brings a cookie of that browser.
//! * Whose passkey it is says the authenticator, and that must be whom the passkey was registered for.
//! * A counter that stands still or goes back means that there is a copy. That passkey opens nothing any more, all sessions of the account end,
//!   and its owner is told.

mod challenge;
mod change;
mod error;
mod event;
mod list;
mod register;
mod relying_party;
mod sign_in;

pub(crate) use challenge::{Answered, Asked};
pub(crate) use change::{passkey_remove, passkey_rename};
pub use error::PasskeyError;
pub(crate) use event::{PasskeyAdded, PasskeyCopied, PasskeyRemoved, PasskeyRenamed};
pub(crate) use list::passkey_list;
pub use list::{Passkey, PasskeyId};
pub(crate) use register::{passkey_register, passkey_register_begin};
pub(crate) use relying_party::RelyingParty;
pub(crate) use sign_in::{passkey_sign_in, passkey_sign_in_begin};
