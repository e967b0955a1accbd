//! People are told in their browsers, on a screen that nobody looks at too (NOT-05): Web Push, which is RFC 8030 for the way, RFC 8291 for what is
//! read by nobody on it, and RFC 8292 for who sends.
//!
//! Each person says in each browser that they want this. Of what is worth telling them [`PushChannel`], a
//! [`Channel`](crate::notification::Channel), makes a message to each of their browsers, which is a [job](crate::Jobs) of the tenant.
//!
//! ```no_run
//! use saas_core::{Db, DbError, EventCatalogue, Jobs, MasterKey, Outbound, OutboundPolicy, Push, Relay, Routes, SessionId};
//! use saas_core::{mail::Outbox, notification::Notifications};
//! # const KINDS: &[saas_core::notification::NoticeKind] = &[];
//! # async fn session_holds(_: SessionId) -> Result<bool, DbError> { Ok(true) }
//!
//! fn compose(db: &Db, keys: &MasterKey, outbox: &Outbox, relay: &Relay, jobs: &Jobs) -> Result<Routes, Box<dyn std::error::Error>> {
//!     let address = "https://monitoring.example.com/".parse()?;
//!     let push = Push::new(db, keys, Outbound::new(OutboundPolicy::public())?, &address, session_holds);
//!     push.work_for(jobs);
//!     let catalogue = EventCatalogue::new(saas_core::EVENTS);
//!     let notifications = Notifications::new(KINDS, catalogue, outbox, keys, |_| vec!["owner"]).in_browsers(&push);
//!     notifications.register(relay);
//!     Ok(notifications.routes()) // below the tenancy layer
//! }
//! ```
//!
//! # What holds
//!
//! * A browser belongs to the session in which its person allowed it. When that is over, however it ended, nothing more is sent, and the browser is
//!   forgotten; where the same person signs in anew, or proves who they are, the script of their next page allows it for the session that they have
//!   then, unless they have stopped it. A browser in which somebody else signs in is told nothing of the first person's any more, and allowed by them it is theirs alone.
//! * One event is one message in each browser, wherever a node is killed. Between its sending and the note of it, a kill sends it again under the
//!   same id, by which both the push service (`Topic`) and the browser (`tag`) put it in the place of the first.
//! * Of what happens to one thing again and again one message is sent in ten minutes, as by mail.
//! * 2xx within ten seconds is success. 404 and 410 forget the browser. No answer, 408, 425, 429 and 5xx are tried again as for a
//!   [chat](crate::chat), and not before what `Retry-After` asks for; one that does not answer in time is left alone for five minutes. Any other answer, the seventh failure and an age of six hours end the message.
//! * Whoever left the organization meanwhile gets no message that still waited.
//! * An address of a push service comes from a browser: it is called through [`Outbound`], and sealed with the keys of the browser, since it lets
//!   whoever has it send there.

mod browser;
mod encryption;
mod event;
mod message;
mod record;
mod send;
mod tell;
mod vapid;
mod web;

pub use browser::{PushBrowser, PushError};
pub(crate) use event::EVENTS;
pub use event::{PushBrowserAdded, PushBrowserRemoved, RemovedBecause};
pub use send::PushOutcome;
pub use tell::PushChannel;
pub(crate) use web::{on_page, routes};

use std::{fmt, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use url::Url;

use crate::{
    Db, DbError, MasterKey, Outbound, SessionId,
    chat::turns::{self, Turns},
};
use vapid::Vapid;

crate::ids! {
    /// A browser in which somebody wants to be told.
    pub BrowserId;
}

/// How many browsers a person may have.
const MOST: i64 = 10;
/// How many that a person has stopped are known again, the newest ones.
const MOST_STOPPED: i64 = 100;
/// How long a push service may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a session still opens anything.
type Holds = dyn Fn(SessionId) -> BoxFuture<'static, Result<bool, DbError>> + Send + Sync;

/// The browsers of all people. Cheap to clone.
#[derive(Clone)]
pub struct Push(Arc<Inner>);

struct Inner {
    db: Db,
    keys: MasterKey,
    outbound: Outbound,
    /// Where we are: push services may want to know who sends.
    public_url: Url,
    holds: Box<Holds>,
    /// The current one first.
    vapid: Vec<Vapid>,
    turns: Turns,
}

impl Push {
    /// Sends through `outbound`, as the product at `public_url`. `keys` seal the browsers' addresses and make the key that messages are signed
    /// with. `holds` says whether a session still opens anything; a browser is told nothing once it does not.
    #[must_use]
    pub fn new<F, R>(db: &Db, keys: &MasterKey, outbound: Outbound, public_url: &Url, holds: F) -> Self
    where
        F: Fn(SessionId) -> R + Send + Sync + 'static,
        R: Future<Output = Result<bool, DbError>> + Send + 'static,
    {
        Self(Arc::new(Inner {
            db: db.clone(),
            keys: keys.clone(),
            outbound: outbound.within(PATIENCE),
            public_url: public_url.clone(),
            holds: Box::new(move |session| Box::pin(holds(session))),
            vapid: Vapid::each(keys),
            turns: Turns::of(turns::BROWSERS),
        }))
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push").field("outbound", &self.0.outbound).finish_non_exhaustive()
    }
}
