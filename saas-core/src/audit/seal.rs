use std::time::Duration;

use serde::Serialize;
use sqlx::query_as;
use uuid::Uuid;

use super::{AuditChain, row::Row};
use crate::{DbError, Ledger, Lifecycle};

/// How often it looks. An entry is sealed within a second.
const EVERY: Duration = Duration::from_millis(500);

/// How many entries one transaction seals.
const BATCH: i64 = 500;

/// How much is not sealed yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SealState {
    /// Entries that wait to be sealed.
    pub unsealed: i64,
    /// The age of the oldest of them in seconds; 0 if there is none.
    pub lag_seconds: f64,
}

impl AuditChain {
    /// Seals new entries until the program stops. As many nodes may as like: each ledger is one's at a time.
    pub fn start_sealing(&self, lifecycle: &Lifecycle) {
        let (chain, lifecycle) = (self.clone(), lifecycle.clone());
        tokio::spawn(async move {
            loop {
                if let Err(error) = chain.seal_now().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "audit entries could not be sealed; trying again");
                }
                tokio::select! {
                    () = lifecycle.draining() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        });
    }

    /// Seals all that waits now; returns how many entries. The sealer calls it; a test or a command may.
    ///
    /// # Errors
    ///
    /// Fails if the database does. What goes wrong with one ledger is logged, and does not hold up the others.
    pub async fn seal_now(&self) -> Result<u64, DbError> {
        let mut tx = self.db.system("find unsealed audit entries").begin().await?;
        let waiting =
            sqlx::query_scalar!("select tenant_id from audit_entry where number is null group by tenant_id").fetch_all(&mut *tx).await?;
        drop(tx);
        let mut sealed = 0;
        for ledger in waiting.into_iter().map(Ledger::from) {
            match self.seal_ledger(ledger).await {
                Ok(count) => sealed += count,
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(tenant.id = %ledger.id(), error, "the audit entries of a ledger could not be sealed");
                }
            }
        }
        Ok(sealed)
    }

    async fn seal_ledger(&self, ledger: Ledger) -> Result<u64, DbError> {
        let mut sealed = 0;
        loop {
            let count = self.seal_batch(ledger).await?;
            sealed += count;
            if count < BATCH.unsigned_abs() {
                return Ok(sealed);
            }
        }
    }

    async fn seal_batch(&self, ledger: Ledger) -> Result<u64, DbError> {
        let mut tx = self.db.system("seal audit entries").begin().await?;
        let first = self.beginning(ledger, tx.now());
        sqlx::query!(
            r#"insert into audit_head (tenant_id, sealed, mac, pruned, pruned_mac, at, signature)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict on constraint audit_head_pkey do nothing"#,
            first.ledger,
            first.sealed,
            first.mac,
            first.pruned,
            first.pruned_mac,
            first.at,
            first.signature,
        )
        .execute(&mut *tx)
        .await?;
        let Some(mut head) = self.head_lock_in(&mut tx, ledger).await? else { return Ok(0) };
        let rows = query_as!(
            Row,
            r#"select tenant_id, id, at, action, version, severity, actor_kind, actor_id, on_behalf_of, resource, data, request_id,
                address::text, user_agent, number, salt, origin_digest, mac
            from audit_entry
            where tenant_id = $1 and number is null
            order by id
            limit $2"#,
            ledger.id(),
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut seals = Seals::default();
        for row in &rows {
            head.sealed += 1;
            let salt = row.new_salt();
            let digest = row.digest(salt.as_deref());
            head.mac = self.seal(&row.message(&head.mac, head.sealed, &digest));
            seals.ids.push(row.id);
            seals.numbers.push(head.sealed);
            seals.salts.push(salt);
            seals.digests.push(digest);
            seals.macs.push(head.mac.clone());
        }
        let Seals { ids, numbers, salts, digests, macs } = seals;
        sqlx::query!(
            r#"update audit_entry set number = seal.number, salt = seal.salt, origin_digest = seal.digest, mac = seal.mac
            from unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[]) seal (id, number, salt, digest, mac)
            where audit_entry.tenant_id = $1 and audit_entry.id = seal.id"#,
            ledger.id(),
            &ids,
            &numbers,
            &salts as &[Option<Vec<u8>>],
            &digests,
            &macs,
        )
        .execute(&mut *tx)
        .await?;
        self.head_set_in(&mut tx, head).await?;
        tx.commit().await?;
        Ok(ids.len() as u64)
    }

    /// How much is not sealed yet, for metrics. Reads only what waits.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn state(&self) -> Result<SealState, DbError> {
        let mut tx = self.db.system("how far the audit log is sealed").begin().await?;
        let now = tx.now();
        let state = query_as!(
            SealState,
            r#"select count(*) as "unsealed!", coalesce(greatest(extract(epoch from $1 - min(at)), 0), 0)::float8 as "lag_seconds!"
            from audit_entry where number is null"#,
            now,
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(state)
    }
}

/// The seals of a batch, column by column, as one statement takes them.
#[derive(Default)]
struct Seals {
    ids: Vec<Uuid>,
    numbers: Vec<i64>,
    salts: Vec<Option<Vec<u8>>>,
    digests: Vec<Vec<u8>>,
    macs: Vec<Vec<u8>>,
}
