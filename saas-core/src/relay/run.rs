//! The worker.

use std::{error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{Consumer, Ledger, RecordedEvent, Relay};
use crate::{Actor, DbError, EventSeverity, Lifecycle, SystemTx, backoff, db::Hints, event::CHANNEL, failure};

/// How often what was relayed long ago is deleted.
const SWEEP: Duration = Duration::from_secs(60);

/// How many old rows one statement deletes.
const SWEPT: i64 = 5_000;

/// The longest pause between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(60 * 60);

/// How much of a consumer's error is kept, in characters.
const ERROR_MAX: usize = 500;

/// Relays until the program stops, whatever happens to the database in between.
pub(super) async fn run(relay: Relay, lifecycle: Lifecycle) {
    let mut hints = Hints::new(relay.db(), CHANNEL);
    let mut swept: Option<Instant> = None;
    loop {
        let mut pause = relay.settings().poll;
        match relay.relay_waiting(&lifecycle).await {
            Ok(_) if lifecycle.is_draining() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "events could not be relayed; trying again");
                pause = pause.max(Duration::from_secs(1));
            }
        }
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            swept = Some(Instant::now());
            if let Err(error) = relay.sweep().await {
                tracing::warn!(error = &error as &dyn Error, "relayed events could not be deleted; trying again");
            }
        }
        tokio::select! {
            () = lifecycle.draining() => return,
            () = sleep(pause) => {}
            () = hints.next() => {}
        }
    }
}

/// A waiting row, and who has taken it already.
struct Waiting {
    event: RecordedEvent,
    taken: Vec<String>,
}

impl Relay {
    /// Relays what is waiting now, in batches, until nothing is due; returns how many events were finished. The worker calls it; a test or a
    /// command may.
    ///
    /// # Errors
    ///
    /// Fails if the database does. Consumers that fail are noted on their events.
    pub async fn relay_now(&self) -> Result<usize, DbError> {
        self.relay_waiting(&Lifecycle::new()).await
    }

    async fn relay_waiting(&self, lifecycle: &Lifecycle) -> Result<usize, DbError> {
        let mut finished = 0;
        while !lifecycle.is_draining() {
            let batch = self.relay_batch().await?;
            finished += batch.finished;
            if batch.seen < usize::from(self.settings().batch) {
                break;
            }
        }
        Ok(finished)
    }

    /// All consumers and all events of a batch in one transaction; and if one fails, each with each in its own.
    async fn relay_batch(&self) -> Result<Batch, DbError> {
        let consumers = self.consumers();
        let mut tx = self.db().system("relay events").begin().await?;
        let waiting = waiting_in(&mut tx, i64::from(self.settings().batch), None).await?;
        if waiting.is_empty() {
            return Ok(Batch { seen: 0, finished: 0 });
        }
        let seen = waiting.len();
        let ids: Vec<(Uuid, Uuid)> = waiting.iter().map(|it| (it.event.ledger.id(), it.event.id.into())).collect();
        let mut failed = None;
        for consumer in &consumers {
            let events: Vec<RecordedEvent> = waiting.iter().filter(|it| !it.is_taken_by(&**consumer)).map(|it| it.event.clone()).collect();
            if !events.is_empty()
                && let Err(error) = self.give(&**consumer, &mut tx, &events).await
            {
                failed = Some((consumer.name(), error));
                break;
            }
        }
        let Some((name, error)) = failed else {
            finish_in(&mut tx, &ids).await?;
            tx.commit().await?;
            return Ok(Batch { seen, finished: seen });
        };
        tracing::info!(consumer = name, error, events = seen, "a consumer refused a batch: each event is tried alone");
        // Its locks must be gone, or each event would look taken.
        tx.rollback().await;
        let mut finished = 0;
        for id in ids {
            finished += usize::from(self.relay_one(&consumers, id).await?);
        }
        Ok(Batch { seen, finished })
    }

    /// Hands one event to each consumer that has not taken it, in a transaction for each; whether all have now.
    async fn relay_one(&self, consumers: &[Arc<dyn Consumer>], id: (Uuid, Uuid)) -> Result<bool, DbError> {
        let (mut refused, mut why) = (Vec::new(), None);
        for consumer in consumers {
            let mut tx = self.db().system("relay events").begin().await?;
            // Gone if another node has it meanwhile; then it is that node's.
            let Some(waiting) = waiting_in(&mut tx, 1, Some(id)).await?.pop() else { return Ok(false) };
            if waiting.is_taken_by(&**consumer) {
                tx.rollback().await;
                continue;
            }
            let outcome = self.give(&**consumer, &mut tx, std::slice::from_ref(&waiting.event)).await;
            let committed = match outcome {
                Ok(()) => {
                    taken_in(&mut tx, id, consumer.name()).await?;
                    // Its own constraints may be checked as late as this; then it is the consumer that failed.
                    tx.commit().await.map_err(|error| describe(&error))
                }
                Err(error) => {
                    tx.rollback().await;
                    Err(error)
                }
            };
            if let Err(error) = committed {
                refused.push(consumer.name().to_owned());
                why.get_or_insert(format!("{}: {error}", consumer.name()));
            }
        }
        let mut tx = self.db().system("relay events").begin().await?;
        match &why {
            None => finish_in(&mut tx, &[id]).await?,
            Some(error) => self.refuse_in(&mut tx, id, &refused, error).await?,
        }
        tx.commit().await?;
        Ok(why.is_none())
    }

    /// A consumer that panics or hangs has failed, like one that says so.
    async fn give(&self, consumer: &dyn Consumer, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), String> {
        let taking = AssertUnwindSafe(consumer.take(tx, events)).catch_unwind();
        match timeout(self.settings().patience, taking).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(describe(&*error)),
            Ok(Err(_)) => Err("it panicked".to_owned()),
            Err(_) => Err("it took too long".to_owned()),
        }
    }

    /// Notes that somebody could not take an event: it comes again later, or is given up.
    async fn refuse_in(&self, tx: &mut SystemTx, (tenant, id): (Uuid, Uuid), refused: &[String], error: &str) -> Result<(), DbError> {
        let now = tx.now();
        let settings = self.settings();
        let attempts = sqlx::query_scalar!(
            r#"update outbox set attempts = attempts + 1, refused = $3, error = $4
            where tenant_id = $1 and id = $2 and relayed_at is null and dead_at is null
            returning attempts"#,
            tenant,
            id,
            refused,
            error,
        )
        .fetch_optional(&mut **tx)
        .await?;
        let Some(attempts) = attempts else { return Ok(()) };
        let pause = backoff::doubled(settings.backoff, BACKOFF_MAX, attempts, rand::random());
        let is_dead = attempts >= i32::from(settings.attempts);
        if is_dead {
            tracing::error!(event.id = %id, tenant.id = %tenant, attempts, error, "an event was given up");
        } else {
            tracing::warn!(event.id = %id, tenant.id = %tenant, attempts, error, "an event was refused; it is tried again");
        }
        sqlx::query!(
            "update outbox set next_at = $3, dead_at = $4 where tenant_id = $1 and id = $2",
            tenant,
            id,
            now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX),
            is_dead.then_some(now),
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Deletes what was relayed or given up longer ago than it is kept; returns how many. The worker calls it each minute.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn sweep(&self) -> Result<u64, DbError> {
        let mut swept = 0;
        loop {
            let mut tx = self.db().system("delete relayed events").begin().await?;
            let before = |kept| tx.now() - TimeDelta::from_std(kept).unwrap_or(TimeDelta::MAX);
            let (relayed, dead) = (before(self.settings().keep), before(self.settings().keep_dead));
            let rows = sqlx::query!(
                r#"delete from outbox
                where (tenant_id, id) in (
                    select tenant_id, id from outbox where relayed_at < $1 or dead_at < $2 limit $3 for update skip locked
                )"#,
                relayed,
                dead,
                SWEPT,
            )
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            swept += rows;
            if rows < SWEPT.unsigned_abs() {
                return Ok(swept);
            }
        }
    }
}

struct Batch {
    seen: usize,
    finished: usize,
}

impl Waiting {
    fn is_taken_by(&self, consumer: &dyn Consumer) -> bool {
        self.taken.iter().any(|name| name == consumer.name())
    }
}

/// What is due, locked. Rows that another node works on are passed over.
async fn waiting_in(tx: &mut SystemTx, limit: i64, one: Option<(Uuid, Uuid)>) -> Result<Vec<Waiting>, DbError> {
    let now = tx.now();
    let (tenant, id) = one.unzip();
    let rows = sqlx::query!(
        r#"select tenant_id, id, name, version, severity, actor_kind, actor_id, on_behalf_of, subject, data, at, taken
        from outbox
        where relayed_at is null and dead_at is null and next_at <= $1
            and ($3::uuid is null or (tenant_id = $3 and id = $4))
        order by next_at, id
        limit $2
        for update skip locked"#,
        now,
        limit,
        tenant,
        id,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            event: RecordedEvent {
                id: row.id.into(),
                ledger: Ledger::from(row.tenant_id),
                name: row.name,
                version: row.version,
                severity: EventSeverity::of(&row.severity),
                actor: Actor::of(&row.actor_kind, row.actor_id, row.on_behalf_of),
                subject: row.subject,
                data: row.data,
                at: row.at,
            },
            taken: row.taken,
        })
        .collect())
}

async fn taken_in(tx: &mut SystemTx, (tenant, id): (Uuid, Uuid), consumer: &str) -> Result<(), DbError> {
    sqlx::query!("update outbox set taken = array_append(taken, $3) where tenant_id = $1 and id = $2", tenant, id, consumer)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn finish_in(tx: &mut SystemTx, ids: &[(Uuid, Uuid)]) -> Result<(), DbError> {
    let now = tx.now();
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = ids.iter().copied().unzip();
    sqlx::query!(
        r#"update outbox set relayed_at = $3, refused = '{}', error = null
        from unnest($1::uuid[], $2::uuid[]) done (tenant_id, id)
        where outbox.tenant_id = done.tenant_id and outbox.id = done.id and relayed_at is null"#,
        &tenants,
        &ids,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An error and what caused it, short enough to store.
fn describe(error: &(dyn Error + 'static)) -> String {
    failure::in_full(error).chars().filter(|c| *c != '\0').take(ERROR_MAX).collect()
}
