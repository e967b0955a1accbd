//! Passwords: which are accepted, and how they are kept.

mod breached;
mod hasher;
mod policy;

pub use breached::{BreachedPasswords, BreachedPasswordsError, CommonPasswords};
pub use hasher::HashError;
pub(crate) use hasher::{Hasher, Verdict};
pub use policy::{PasswordFlaw, PasswordPolicy};
