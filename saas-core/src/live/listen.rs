use std::{error::Error, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use sqlx::postgres::{PgListener, PgNotification};
use tokio::time::timeout;

use super::hub::{ANYTHING, Audience, Hub, Subject};
use crate::{Db, event::CHANNEL, lifecycle::Lifecycle};

/// Where the server says that somebody's access may have ended: `user` or `tenant`, and the id.
const ACCESS: &str = "saas_access";

/// After how long a silence it is asked whether the connection still lives: nobody says when a host has vanished.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// The pause before another connection is tried.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// How many notices are taken at once.
const BATCH: usize = 256;

/// Passes on what the database says until the program stops.
pub(super) async fn listen(db: Db, hub: Arc<Hub>, lifecycle: Lifecycle) {
    again(&lifecycle, || hear(&db, &hub)).await;
}

/// Does it again whenever it ends, until the program stops.
pub(super) async fn again<F, E>(lifecycle: &Lifecycle, attempt: impl Fn() -> F)
where
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    loop {
        let ended = tokio::select! {
            () = lifecycle.draining() => return,
            ended = attempt() => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(error = &error as &dyn Error, "live updates lost their connection; trying again");
        }
        tokio::select! {
            () = lifecycle.draining() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn hear(db: &Db, hub: &Hub) -> Result<(), sqlx::Error> {
    let mut notices = Notices::begin(db, SILENCE).await?;
    hub.lost();
    loop {
        notices.next().await?.iter().for_each(|notice| pass_on(hub, notice));
    }
}

/// What the database says: each a line, first the channel.
pub(super) struct Notices {
    listener: PgListener,
    silence: Duration,
}

impl Notices {
    /// Hears of whatever is committed from now on; and asks, after so long a silence, whether the connection still lives.
    pub(super) async fn begin(db: &Db, silence: Duration) -> Result<Self, sqlx::Error> {
        // A connection of its own: a pooled one would be held for ever.
        let mut listener = in_time(async {
            let mut listener = PgListener::connect(db.listen_url()).await?;
            listener.listen_all([CHANNEL, ACCESS]).await?;
            Ok(listener)
        })
        .await?;
        // It would wait in there for the next connection, and nobody would know that something was missed.
        listener.eager_reconnect(false);
        Ok(Self { listener, silence })
    }

    /// What is said next, in the order of the commits; nothing after a silence. An error is the end.
    pub(super) async fn next(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let Ok(first) = timeout(self.silence, self.listener.try_recv()).await else {
            in_time(sqlx::query("listen saas_live").execute(&mut self.listener)).await?;
            return Ok(Vec::new());
        };
        let mut notices = vec![line(first?)?];
        while notices.len() < BATCH
            && let Some(next) = self.listener.try_recv().now_or_never()
        {
            notices.push(line(next?)?);
        }
        Ok(notices)
    }
}

fn line(notice: Option<PgNotification>) -> Result<String, sqlx::Error> {
    let notice = notice.ok_or_else(|| sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into()))?;
    Ok(format!("{} {}", notice.channel(), notice.payload()))
}

async fn in_time<T>(what: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(PATIENCE, what).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Tells the node's streams what a notice means for them.
pub(super) fn pass_on(hub: &Hub, notice: &str) {
    let mut words = notice.splitn(4, ' ');
    let mut word = || words.next().unwrap_or_default();
    match (word(), word(), word(), word()) {
        // Nobody hears of what nobody has a permission for; it is for the relay.
        (CHANNEL, _, "nobody", _) => {}
        (CHANNEL, tenant, audience, topic) => {
            if let Ok(tenant) = tenant.parse() {
                hub.changed(tenant, topic, Audience::of(audience));
            }
        }
        (ACCESS, "user", user, _) => {
            if let Ok(user) = user.parse() {
                hub.doubt(Subject::User(user));
            }
        }
        (ACCESS, "tenant", tenant, _) => {
            if let Ok(tenant) = tenant.parse() {
                hub.doubt(Subject::Tenant(tenant));
            }
        }
        (ANYTHING, ..) => hub.lost(),
        _ => {}
    }
}
