//! Writes that may be sent again: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
//!
//! A handler under `/api/` that takes a [`TenantDb`](crate::TenantDb) needs to do nothing for it. Its first transaction takes the key, and
//! what it commits is committed together with the answer: after a crash both are there or neither. So nothing is done twice, nothing is
//! lost, and a request that was refused or broke off leaves its key free.
//!
//! * The same request again within 24 hours gets the same answer, with `Idempotency-Replayed: true`.
//! * Another request with the same key: 422. The same one while the first is being answered: 409 with `Retry-After`.
//! * A key belongs to one caller in one tenant.
//!
//! # Security
//!
//! Answers are sealed with the master key, because some show a secret this once.

mod answer;
mod key;
mod keyed;
mod layer;
mod new_tenant;

pub(crate) use keyed::{Claim, Keyed};
pub(crate) use layer::{Repeatable, once};
pub use new_tenant::NewTenantDb;

/// For how long a key means the request that it came with.
pub(crate) const REMEMBERED: chrono::TimeDelta = chrono::TimeDelta::hours(24);
