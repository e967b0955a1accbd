//! Passwords: which are accepted, and how they are kept.

mod hasher;
mod policy;

pub(crate) use hasher::{Hasher, Verdict};
pub use hasher::HashError;
pub use policy::{PasswordFlaw, PasswordPolicy};
