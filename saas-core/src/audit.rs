//! Who did what: written with each event, sealed into a chain that shows what was changed afterwards, searched and exported by those who may.
//!
//! [`event_in`](crate::event_in) writes an entry unsealed, in the transaction of the change, and nobody waits for anybody. Within a second
//! [sealing](AuditChain::start_sealing) gives the waiting entries of each ledger numbers without a gap and chains them:
//!
//! ```text
//! mac(n) = HMAC-SHA256(key, mac(n - 1) ‖ n ‖ entry)        mac(0) = 0
//! ```
//!
//! The end of the chain (its count and last mac) is signed and replaced with each sealing. [`AuditChain::verify`] walks the chain and names
//! the first entry that was changed, left out, put in or moved.
//!
//! # Security
//!
//! * The application's login adds entries and reads its tenant's. It can neither change nor delete one, nor write what seals it. The system's
//!   login seals; a trigger keeps what is sealed from it too.
//! * The key is derived from the master key and is not in the database: who has the database alone cannot make a chain that verifies.
//! * Who can put back an old state of the whole database also puts back the end of the chain. Against that, [`Checkpoint`]s are
//!   [kept elsewhere](AuditChain::keep_daily), and given to `verify`.
//! * The address and the user agent of a request are personal. The chain covers a salted digest of them, so they can be
//!   [emptied](AuditChain::forget) without breaking it; how many were is reported.

mod chain;
mod entry;
mod export;
mod keep;
mod prune;
mod retention;
mod row;
mod seal;
mod verify;
mod web;

pub use chain::{AuditChain, Checkpoint};
pub use entry::{AuditEntry, AuditFilter, audit_entries_in};
pub use keep::CheckpointError;
pub use seal::SealState;
pub use verify::{Fault, FaultKind, Verification};
pub use web::audit_routes;

crate::permissions! {
    /// See who did what in the organization.
    pub AuditRead = "audit.read";
}
