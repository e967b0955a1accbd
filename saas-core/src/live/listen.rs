use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgListener, PgNotification};
use tokio::time::timeout;

use super::hub::{Hub, Subject};
use crate::{Db, event::CHANNEL, lifecycle::Lifecycle};

/// Where the server says that somebody's access may have ended: `user` or `tenant`, and the id.
const ACCESS: &str = "saas_access";

/// After how long a silence it is asked whether the connection still lives: nobody says when a host has vanished.
const SILENCE: Duration = Duration::from_secs(5);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The pause before another connection is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Passes on what the database says until the program stops.
pub(super) async fn listen(db: Db, hub: Arc<Hub>, lifecycle: Lifecycle) {
    loop {
        let heard = tokio::select! {
            () = lifecycle.draining() => return,
            heard = hear(&db, &hub) => heard,
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "live updates lost their connection; trying again");
        }
        tokio::select! {
            () = lifecycle.draining() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn hear(db: &Db, hub: &Hub) -> Result<(), sqlx::Error> {
    // A connection of its own: a pooled one would be held for ever.
    let mut listener = in_time(async {
        let mut listener = PgListener::connect(db.listen_url()).await?;
        listener.listen_all([CHANNEL, ACCESS]).await?;
        Ok(listener)
    })
    .await?;
    // It would wait in there for the next connection, and nobody would know that something was missed.
    listener.eager_reconnect(false);
    hub.lost();
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notice))) => pass_on(hub, &notice),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                in_time(sqlx::query("listen saas_live").execute(&mut listener)).await?;
            }
        }
    }
}

async fn in_time<T>(what: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(PATIENCE, what).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

fn pass_on(hub: &Hub, notice: &PgNotification) {
    let Some((first, second)) = notice.payload().split_once(' ') else {
        return;
    };
    if notice.channel() == CHANNEL {
        if let Ok(tenant) = first.parse() {
            hub.changed(tenant, second);
        }
        return;
    }
    match (first, second.parse(), second.parse()) {
        ("user", Ok(user), _) => hub.doubt(Subject::User(user)),
        ("tenant", _, Ok(tenant)) => hub.doubt(Subject::Tenant(tenant)),
        _ => {}
    }
}
