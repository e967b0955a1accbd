//! What waits, as metrics: how much of it, for how long, and what was given up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use saas_core::{Db, DbError, JobStats, Lifecycle, Metrics, Relay, audit::AuditChain, mail::MailCounts, webhook::Webhooks};

/// How often it is counted. Prometheus usually asks as often.
const EVERY: Duration = Duration::from_secs(15);

/// What keeps work for later.
pub(crate) struct Queues {
    pub(crate) db: Db,
    pub(crate) relay: Relay,
    pub(crate) chain: AuditChain,
    pub(crate) webhooks: Webhooks,
}

/// How one of them is.
#[derive(Clone, Copy)]
struct Backlog {
    queue: &'static str,
    waiting: i64,
    age_s: f64,
    /// Events and jobs until somebody has them done again, mail and webhooks within a day; none where nothing is ever given up.
    given_up: Option<i64>,
}

impl Queues {
    /// Counts until the program stops. While the database is away there are no numbers, rather than old ones.
    pub(crate) fn watch(self, metrics: &Metrics, lifecycle: &Lifecycle) {
        let last = Arc::new(Mutex::new(Vec::new()));
        show(metrics, &last);
        let lifecycle = lifecycle.clone();
        tokio::spawn(async move {
            loop {
                let counted = self.count().await.unwrap_or_else(|error| {
                    tracing::debug!(%error, "what waits could not be counted");
                    Vec::new()
                });
                *last.lock().unwrap_or_else(PoisonError::into_inner) = counted;
                tokio::select! {
                    () = lifecycle.draining() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        });
    }

    async fn count(&self) -> Result<Vec<Backlog>, DbError> {
        let events = self.relay.state().await?;
        let audit = self.chain.state().await?;
        let jobs = JobStats::read(&self.db).await?;
        let mail = MailCounts::read(&self.db).await?;
        let webhooks = self.webhooks.state().await?;
        let mail_age = mail.oldest.map_or(0.0, |oldest| (self.db.clock().now() - oldest).as_seconds_f64().max(0.0));
        Ok(vec![
            Backlog { queue: "events", waiting: events.waiting, age_s: events.lag_seconds, given_up: Some(events.dead) },
            Backlog { queue: "audit", waiting: audit.unsealed, age_s: audit.lag_seconds, given_up: None },
            Backlog { queue: "jobs", waiting: jobs.waiting, age_s: jobs.oldest_waiting_s as f64, given_up: Some(jobs.dead) },
            Backlog { queue: "mail", waiting: mail.open, age_s: mail_age, given_up: Some(mail.failed) },
            Backlog { queue: "webhooks", waiting: webhooks.waiting, age_s: webhooks.lag_seconds, given_up: Some(webhooks.failed) },
        ])
    }
}

fn show(metrics: &Metrics, last: &Arc<Mutex<Vec<Backlog>>>) {
    let each = |read: fn(&Backlog) -> Option<f64>| {
        let last = Arc::clone(last);
        move || {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            last.iter().filter_map(|backlog| Some(([backlog.queue], read(backlog)?))).collect()
        }
    };
    metrics.watch("backlog", "What is due and has not been done, by queue", ["queue"], each(|it| Some(it.waiting as f64)));
    metrics.watch("backlog_age_seconds", "How long the oldest of it has been due", ["queue"], each(|it| Some(it.age_s)));
    metrics.watch(
        "dead_letters",
        "What was given up: events and jobs until they are done again, mail and webhooks within a day",
        ["queue"],
        each(|it| it.given_up.map(|dead| dead as f64)),
    );
}
