use sqlx::postgres::PgListener;

use super::Db;

/// Hears that there may be something to do. Only a hint: whoever works looks from time to time all the same, and is told in the log when
/// that is all there is.
pub(crate) struct Hints {
    db: Db,
    channel: &'static str,
    listener: Option<PgListener>,
    /// Whether it was said that notices are lost, so that it is said once.
    said: bool,
}

impl Hints {
    /// Nothing is heard before the first [`next`](Self::next).
    pub(crate) fn new(db: &Db, channel: &'static str) -> Self {
        Self { db: db.clone(), channel, listener: None, said: false }
    }

    /// Waits for a hint; without a connection for ever, until it is dropped and asked again. May be dropped at any await.
    pub(crate) async fn next(&mut self) {
        if let Some(listener) = &mut self.listener {
            match listener.try_recv().await {
                Ok(Some(_)) => {}
                Ok(None) => self.listener = None,
                Err(error) => self.lost(&error),
            }
            return;
        }
        match self.connect().await {
            // What came before it listened is found by looking.
            Ok(listener) => {
                self.listener = Some(listener);
                self.said = false;
            }
            Err(error) => {
                self.lost(&error);
                std::future::pending().await
            }
        }
    }

    async fn connect(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect(self.db.listen_url()).await?;
        listener.listen(self.channel).await?;
        Ok(listener)
    }

    fn lost(&mut self, error: &sqlx::Error) {
        self.listener = None;
        if !std::mem::replace(&mut self.said, true) {
            tracing::warn!(error = error as &dyn std::error::Error, channel = self.channel, "notices are lost; looking without them");
        }
    }
}
