//! The worker: takes what is due, sends it, notes how it went.

mod claim;
mod record;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::PgConnection;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{CHANNEL, Webhooks};
use crate::{DbError, Lifecycle, db::Hints};

/// How often what was delivered long ago is deleted.
const SWEEP: Duration = Duration::from_secs(60);
/// How long deliveries that are under way may still take when the program stops.
const GRACE: Duration = Duration::from_secs(10);

/// How webhooks are delivered.
#[derive(Debug, Clone, Copy)]
pub struct WebhookSettings {
    /// How many deliveries this program sends at once.
    pub slots: u16,
    /// How many of one tenant are under way at once, in all programs together.
    pub tenant_slots: u16,
    /// How many to one endpoint; to one that is failing, one.
    pub endpoint_slots: u16,
    /// How often it looks without having been told that there is something.
    pub poll: Duration,
    /// After how long a delivery whose sender did not come back is sent again. Longer than an attempt may take.
    pub lease: Duration,
    /// After how long with nothing but failures an endpoint is disabled.
    pub patience: Duration,
    /// How long deliveries and their attempts are kept.
    pub keep: Duration,
    /// How many endpoints a tenant may have.
    pub endpoints: u16,
}

impl Default for WebhookSettings {
    /// 256 slots, 16 a tenant and 8 an endpoint; a look each second; a lease of 90 s; 120 h patience; kept for 30 days; 50 endpoints.
    fn default() -> Self {
        Self {
            slots: 256,
            tenant_slots: 16,
            endpoint_slots: 8,
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(90),
            patience: Duration::from_secs(120 * 60 * 60),
            keep: Duration::from_secs(30 * 24 * 60 * 60),
            endpoints: 50,
        }
    }
}

/// Tells the workers that there is something to send, if the transaction commits.
pub(super) async fn wake_in(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, '')", CHANNEL).execute(connection).await?;
    Ok(())
}

/// A worker that runs.
#[derive(Debug)]
pub struct RunningWebhooks(tokio::task::JoinHandle<()>);

impl RunningWebhooks {
    /// Waits until the worker has stopped, after [`Lifecycle::drain`]: deliveries that are under way have ten seconds to end. What does not
    /// is sent again later, under the same id.
    pub async fn drained(self) {
        if let Err(error) = self.0.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the worker for webhooks broke");
        }
    }
}

impl Webhooks {
    /// Delivers until the program stops. Several programs may do so at once.
    pub fn start(&self, lifecycle: &Lifecycle) -> RunningWebhooks {
        RunningWebhooks(tokio::spawn(run(self.clone(), lifecycle.clone())))
    }

    /// Sends all that is due now and waits for it; returns how many attempts were made. The worker does so by itself; a test or a command may.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn deliver_now(&self) -> Result<usize, DbError> {
        let mut attempts = 0;
        loop {
            let claimed = self.claim(self.0.settings.slots).await?;
            if claimed.is_empty() {
                return Ok(attempts);
            }
            attempts += claimed.len();
            let mut sending = JoinSet::new();
            for claimed in claimed {
                let webhooks = self.clone();
                sending.spawn(async move { webhooks.deliver(claimed).await });
            }
            sending.join_all().await;
        }
    }

    /// One attempt, and the note of how it went.
    async fn deliver(&self, claimed: super::send::Claimed) {
        let outcome = self.send(&claimed).await;
        // Unnoted, it is sent again when its lease ends.
        if let Err(error) = self.record(&claimed, &outcome).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error, endpoint.id = %claimed.endpoint, message.id = %claimed.message,
                "how a webhook went could not be noted"
            );
        }
    }
}

/// What is under way in this program.
#[derive(Default)]
struct UnderWay {
    count: AtomicUsize,
    ended: Notify,
}

async fn run(webhooks: Webhooks, lifecycle: Lifecycle) {
    let under_way = Arc::new(UnderWay::default());
    let slots = usize::from(webhooks.0.settings.slots);
    let mut hints = Hints::new(&webhooks.0.db, CHANNEL);
    let mut swept: Option<Instant> = None;
    while !lifecycle.is_draining() {
        let free = u16::try_from(slots.saturating_sub(under_way.count.load(Ordering::Acquire))).unwrap_or(u16::MAX);
        let claimed = match webhooks.claim(free).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "webhooks could not be taken; trying again");
                Vec::new()
            }
        };
        for claimed in claimed {
            under_way.count.fetch_add(1, Ordering::AcqRel);
            let (webhooks, under_way) = (webhooks.clone(), Arc::clone(&under_way));
            tokio::spawn(async move {
                let ends = Ends(under_way);
                webhooks.deliver(claimed).await;
                drop(ends);
            });
        }
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            swept = Some(Instant::now());
            if let Err(error) = webhooks.sweep().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "old webhooks could not be deleted; trying again");
            }
        }
        tokio::select! {
            () = lifecycle.draining() => {}
            () = sleep(webhooks.0.settings.poll) => {}
            () = under_way.ended.notified() => {}
            () = hints.next() => {}
        }
    }
    let ended = async {
        while under_way.count.load(Ordering::Acquire) > 0 {
            under_way.ended.notified().await;
        }
    };
    if timeout(GRACE, ended).await.is_err() {
        tracing::info!("some webhooks were under way at the end; they are sent again");
    }
}

/// Also counts an attempt as ended that panicked.
struct Ends(Arc<UnderWay>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
        self.0.ended.notify_one();
    }
}
