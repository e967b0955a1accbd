//! Live updates: a page hears that something changed, and reads it again as itself.

use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};

use axum::response::{
    IntoResponse, Response,
    sse::{Event as SseEvent, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderValue, header};
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

use crate::{Db, Standing, TenantId, lifecycle::Lifecycle};

/// Told to every stream of a tenant, or to all. Topics are the program's own words, so a small set: shared, not copied.
#[derive(Debug, Clone)]
struct Change {
    tenant: Option<TenantId>,
    topic: Arc<str>,
}

/// The topic that says that something was missed, and nobody knows what: everything is read again.
const ANYTHING: &str = "*";

/// Carries changes from the database to open streams on this node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live {
    changes: broadcast::Sender<Change>,
    lifecycle: Lifecycle,
}

/// How many changes a reader may lag behind before it is told to read everything again.
const BUFFER: usize = 1024;

impl Live {
    /// Listens for changes until the program stops; a lost connection is made again, and every stream is then told to read anew.
    #[must_use]
    pub fn start(db: &Db, lifecycle: &Lifecycle) -> Self {
        let (changes, _) = broadcast::channel(BUFFER);
        let live = Self { changes, lifecycle: lifecycle.clone() };
        tokio::spawn(listen(db.clone(), live.clone()));
        live
    }

    /// How many streams are open on this node.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.changes.receiver_count()
    }

    /// Answers with server-sent events: `changed` with a topic as its data each time something of the tenant changes.
    ///
    /// `allowed` is asked before each event and at each heartbeat whether the reader still may; `false` ends the stream.
    pub fn stream<F, R>(&self, standing: &Standing, allowed: F) -> Response
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = bool> + Send + 'static,
    {
        let allowed = Arc::new(allowed);
        let tenant = standing.tenant;
        let changes = topics(self.changes.subscribe(), tenant);
        let beats = stream::unfold(tokio::time::interval(HEARTBEAT), |mut interval| async move {
            interval.tick().await;
            Some((None, interval))
        });
        let events = stream::select(changes.map(Some), beats)
            .then(move |topic| {
                let allowed = Arc::clone(&allowed);
                async move { allowed().await.then_some(topic) }
            })
            .take_while(|event| std::future::ready(event.is_some()))
            .filter_map(|event| std::future::ready(event.flatten()))
            .map(|topic| Ok::<_, Infallible>(SseEvent::default().event("changed").data(&*topic)))
            .take_until(self.lifecycle.clone().draining_owned());
        let mut response = Sse::new(stream::iter([Ok(SseEvent::default().event("open").data(""))]).chain(events))
            .keep_alive(KeepAlive::new().interval(HEARTBEAT))
            .into_response();
        // A proxy that collects the stream before passing it on would make it anything but live.
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        response
    }
}

const HEARTBEAT: Duration = Duration::from_secs(15);

fn topics(receiver: broadcast::Receiver<Change>, tenant: TenantId) -> impl Stream<Item = Arc<str>> + Send {
    stream::unfold(receiver, move |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(change) if change.tenant.is_none_or(|it| it == tenant) => return Some((change.topic, receiver)),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => return Some((Arc::from(ANYTHING), receiver)),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
}

async fn listen(db: Db, live: Live) {
    let mut known: HashSet<Arc<str>> = HashSet::new();
    let mut was_lost = false;
    loop {
        let heard = tokio::select! {
            () = live.lifecycle.draining() => return,
            heard = hear(&db, &live, &mut known, was_lost) => heard,
        };
        was_lost = true;
        if let Err(error) = heard {
            tracing::warn!(error = %error, "live updates lost their connection; trying again");
        }
        tokio::select! {
            () = live.lifecycle.draining() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn hear(db: &Db, live: &Live, known: &mut HashSet<Arc<str>>, was_lost: bool) -> Result<(), sqlx::Error> {
    // A connection of its own: a pooled one would be held for ever.
    let mut listener = PgListener::connect(db.listen_url()).await?;
    listener.listen("saas_live").await?;
    if was_lost {
        drop(live.changes.send(Change { tenant: None, topic: ANYTHING.into() }));
    }
    loop {
        let Some(notice) = listener.try_recv().await? else { return Ok(()) };
        let Some((tenant, topic)) = notice.payload().split_once(' ') else { continue };
        let Ok(tenant) = tenant.parse() else { continue };
        let topic = match known.get(topic) {
            Some(topic) => Arc::clone(topic),
            None => {
                let topic: Arc<str> = topic.into();
                known.insert(Arc::clone(&topic));
                topic
            }
        };
        // Nobody may be listening on this node; that is no failure.
        drop(live.changes.send(Change { tenant: Some(tenant), topic }));
    }
}
