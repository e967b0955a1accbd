//! Passwords: which are accepted, and how they are kept.

mod hasher;
mod policy;

pub use hasher::HashError;
pub(crate) use hasher::{Hasher, Verdict};
pub use policy::{PasswordFlaw, PasswordPolicy};
