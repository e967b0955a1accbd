//! Live updates: a page hears that something changed, and reads it again as itself.
//!
//! The database tells every node of each change (`NOTIFY saas_live`: the tenant, who may hear of it, and what; ids and fixed words alone) and
//! of everything that may end somebody's access (`NOTIFY saas_access`); or it tells one node, and Redis tells the others (`RedisCarrier`). Each
//! node tells its own open streams whose readers hold the permission. So a stream asks nobody what its reader may when something changes: it asks
//! when it is told to, and once a minute.
//!
//! A change has an id that means nothing elsewhere. A browser that lost its stream sends the last one as `Last-Event-ID` and hears what it
//! missed; where nobody knows what that is, on another node or after too long, it hears `*`: everything is read again.

mod hub;
mod listen;
#[cfg(feature = "redis")]
mod redis;
mod stream;
mod tell;

use std::{fmt, sync::Arc, time::Duration};

use axum::response::{IntoResponse as _, Response, sse::Sse};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, header};

#[cfg(feature = "redis")]
pub use redis::RedisCarrier;

pub(crate) use tell::tell_in;

use crate::{Actor, Db, DbError, Problem, ProblemType, SessionId, Standing, lifecycle::Lifecycle};
use hub::{Hub, Reader};

/// The permissions that a reader holds.
type Held = Arc<[&'static str]>;

/// Carries changes from the database to open streams on this node. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
}

impl Live {
    /// The most streams that one session may have open; the oldest ends when there is one more, because nobody may be reading it.
    pub const PER_SESSION: usize = 8;

    /// The most streams that one tenant may have open on a node.
    pub const PER_TENANT: usize = 2_000;

    /// Listens for changes until the program stops; a lost connection is made again, and every stream is then told to read anew.
    #[must_use]
    pub fn start(db: &Db, lifecycle: &Lifecycle) -> Self {
        let live = Self::new(lifecycle);
        tokio::spawn(listen::listen(db.clone(), Arc::clone(&live.hub), lifecycle.clone()));
        live
    }

    /// The same where nodes are many: what one of them hears from the database reaches the others through Redis.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn start_through(carrier: RedisCarrier, db: &Db, lifecycle: &Lifecycle) -> Self {
        let live = Self::new(lifecycle);
        tokio::spawn(carrier.clone().listen(Arc::clone(&live.hub), lifecycle.clone()));
        tokio::spawn(carrier.carry(db.clone(), lifecycle.clone()));
        live
    }

    fn new(lifecycle: &Lifecycle) -> Self {
        Self { hub: Arc::new(Hub::new()), lifecycle: lifecycle.clone() }
    }

    /// How many streams are open on this node.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.hub.streams()
    }

    /// Answers with server-sent events: `changed` with a topic as its data each time something of the tenant changes.
    ///
    /// A reader hears of what they hold the permission for: an event's own, at the beginning as the standing says. `holds` says which they hold
    /// now, or `None` if they may not listen any more, which ends the stream. It is asked when the reader's membership, session or state, or the
    /// tenant's state, has changed, and once a minute. While nobody can tell, nothing is heard, for half a minute at most.
    ///
    /// # Errors
    ///
    /// Fails with 429 if the tenant has too many streams open.
    pub fn stream<F, R>(&self, standing: &Standing, session: SessionId, headers: &HeaderMap, holds: F) -> Result<Response, Problem>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Arc<[&'static str]>>, DbError>> + Send + 'static,
    {
        let user = if let Actor::User(user) = standing.actor { Some(user) } else { None };
        let seat = self.hub.enter(Reader { tenant: standing.tenant, user, session }, last_event(headers)).ok_or_else(|| {
            Problem::new(&ProblemType::TOO_MANY_REQUESTS)
                .detail("too many pages of this organization are open")
                .retry_after(Duration::from_secs(60))
        })?;
        let events = stream::events(seat, Arc::clone(&standing.permissions), holds).take_until(self.lifecycle.clone().draining_owned());
        let mut response = Sse::new(events).into_response();
        // A proxy that collects the stream before passing it on would make it anything but live.
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        Ok(response)
    }
}

/// The last change that the reader heard of, if it says that it heard of one; 0, which no change has, if that was none of ours.
fn last_event(headers: &HeaderMap) -> Option<u64> {
    let id = headers.get("last-event-id")?;
    Some(id.to_str().ok().and_then(|id| u64::from_str_radix(id, 16).ok()).unwrap_or(0))
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("streams", &self.streams()).finish_non_exhaustive()
    }
}
