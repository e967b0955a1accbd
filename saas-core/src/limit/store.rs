use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::{Key, Rate};

/// One request, to be counted by one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Whose request it is, by which rule.
    pub key: Key,
    /// How many of them are allowed.
    pub rate: Rate,
}

/// How one rule stands after it has counted a request, or refused to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many may follow at once.
    pub remaining: u32,
    /// When everything that is allowed may be asked at once again, if nothing is asked until then.
    pub reset: Duration,
    /// If the request is refused: when one will be allowed, if nothing is asked until then.
    pub retry_after: Option<Duration>,
}

/// Counts requests. In process ([`MemoryStore`](super::MemoryStore)) or for several nodes (`RedisStore`, with the feature `redis`).
///
/// * After a quiet window, exactly `limit` requests that come at once must be allowed, however many come at the same time, and the next
///   one must be refused. `remaining` then goes down by one with each.
/// * In no stretch of time that is as long as the window, wherever it begins, may more than `limit` be allowed: the window slides.
/// * Whoever spreads nine tenths of the limit evenly over the window must never be refused.
/// * After `retry_after` a request of the same key must be allowed, if no other came between; it is at most an eleventh part longer than the
///   window. After `reset` all of them.
/// * A refused request must not count against the rule that refused it.
/// * Rules must be asked in the order of `asks`. Those behind one that refused must not be counted, and have no place in the answer.
/// * Keys must be independent of each other, rules too.
/// * Nothing that any client does may make it keep more than a bounded number of keys, or wait longer than a fraction of a second. A rule whose key
///   finds no room has none in its place in the answer; those behind it must be asked all the same.
/// * A clock that jumps back must not refuse anybody for longer than a window.
///
/// What is said of a limit holds for keys that find room. The two mean the same: a window that slides in sixty steps, so that a request counts for the window and at most a sixtieth longer, and
/// whoever used all of the limit at once waits until that has passed. `saas_core::testing` has the suite that both pass, for a store of your
/// own too.
#[async_trait]
pub trait RateLimitStore: fmt::Debug + Send + Sync + 'static {
    /// Counts one request by each of these rules, up to the first that refuses it. The answer has a place for each rule that was asked;
    /// only the last can be a refusal, and none is one that found no room and was not counted.
    ///
    /// # Errors
    ///
    /// Fails if what counts cannot be reached.
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Option<Count>>, StoreError>;
}

/// A request was not counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// As many keys are kept as there may be.
    #[error("the store of rate limits is full")]
    Full,
    /// What counts cannot be reached.
    #[error("the store of rate limits cannot be reached")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
}
