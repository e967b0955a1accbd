//! How many requests somebody may make in how long.
//!
//! A [`Rule`] says whose requests are counted together (a network, an account, a person or machine, a tenant), on which routes, and how many
//! are allowed. A [layer](RateLimits::layer) applies rules to the routes that it wraps, all of them with one question to the
//! [store](RateLimitStore).
//!
//! ```
//! use http::Method;
//! use saas_core::{Metrics, Routes, limit::{MemoryStore, Rate, RateLimits, Rule}};
//!
//! async fn sign_in() -> saas_core::NoContent {
//!     saas_core::NoContent
//! }
//!
//! let limits = RateLimits::new(MemoryStore::new(), &Metrics::new());
//! let routes: Routes = Routes::new().post("/sign-in", sign_in).layer(limits.layer([
//!     Rule::by_address("all", Rate::per_minute(600)).unannounced(),
//!     Rule::by_address("sign-in", Rate::per_minute(20)).on(|method, path| method == Method::POST && path == "/sign-in").closed(),
//! ]));
//! ```
//!
//! Rules see the route that was matched and not the path that was written, so no other way of writing a path leads around them: either it
//! leads to the same route, or to none.
//!
//! What the client sees: `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (seconds until everything is allowed again) of
//! the rule that leaves it least; when it is refused, 429 with a [`Problem`](crate::Problem) and `Retry-After`.
//!
//! # Failure
//!
//! If the store cannot be asked, or has no room for whoever asks, a request goes through without these headers, and that is logged and counted
//! (`rate_limit_asked_total{outcome="unchecked"}`): a lost Redis must not stop everybody's reading. Where guessing is what the limit prevents,
//! [`Rule::closed`] refuses with 503.

mod answer;
mod email;
mod key;
mod layer;
mod memory;
mod rate;
#[cfg(feature = "redis")]
mod redis;
mod rule;
mod store;
mod tenant;
mod window;

pub use key::{Claimed, Key, Network, Subject};
pub use layer::{RateLimitLayer, RateLimitService, RateLimits};
pub use memory::MemoryStore;
pub use rate::{Allowance, Rate, RateError};
#[cfg(feature = "redis")]
pub use redis::{RedisAddressError, RedisStore};
pub use rule::Rule;
pub use store::{Ask, Count, RateLimitStore, StoreError};
pub use tenant::TenantAllowance;
