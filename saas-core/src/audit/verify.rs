use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::query_as;
use uuid::Uuid;

use super::{
    AuditChain, Checkpoint,
    row::{Row, SealedOrigin},
};
use crate::{DbError, Event, EventId, Ledger, SystemTx};

/// How many entries are read at once.
const PAGE: i64 = 1_000;

/// What the walk along a chain found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// Whose chain: a tenant's id, or the nil id for the program's own.
    pub ledger: Uuid,
    /// How many entries are sealed, the pruned ones among them.
    pub sealed: i64,
    /// Up to which entry the chain was pruned.
    pub pruned: i64,
    /// How many entries were found as they were sealed, before the first that was not.
    pub intact: i64,
    /// In how many of them the address and the user agent were emptied.
    pub forgotten: i64,
    /// Entries that wait to be sealed.
    pub unsealed: i64,
    /// The age of the oldest of them in seconds.
    pub unsealed_seconds: f64,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

/// The first thing that is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// The number of the first bad entry.
    pub number: i64,
    /// The id of what stands there.
    pub entry: Option<EventId>,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The end of the chain was changed, or is gone.
    Head,
    /// No entry has this number, but later ones are there.
    Missing,
    /// What has this number is not what was sealed with it: it was changed, put in, or stood elsewhere.
    Changed,
    /// The chain ends before its signed end.
    Truncated,
    /// There are entries behind the signed end.
    Beyond,
    /// The chain is not the one that a checkpoint was taken of: it was put back or made anew.
    Checkpoint,
}

impl FaultKind {
    /// In words, for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Head => "the signed end of the chain was changed or is gone",
            Self::Missing => "an entry was taken out",
            Self::Changed => "an entry was changed, put in or moved",
            Self::Truncated => "the chain was cut off",
            Self::Beyond => "there are entries behind the signed end",
            Self::Checkpoint => "the chain is not the one that the checkpoint was taken of",
        }
    }
}

impl AuditChain {
    /// All ledgers that have entries or the end of a chain.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn ledgers(&self) -> Result<Vec<Ledger>, DbError> {
        let mut tx = self.db.system("verify audit chains").begin().await?;
        let ledgers =
            sqlx::query_scalar!(r#"select tenant_id as "tenant_id!" from audit_head union select tenant_id from audit_entry order by 1"#)
                .fetch_all(&mut *tx)
                .await?;
        Ok(ledgers.into_iter().map(Ledger::from).collect())
    }

    /// What an event happened to, by the sealed entries of a ledger. That these are as they were sealed is for [`verify`](Self::verify) of that
    /// ledger to say.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn resources<E: Event>(&self, ledger: Ledger) -> Result<BTreeSet<String>, DbError> {
        let mut tx = self.db.system("verify audit chains").begin().await?;
        let resources = sqlx::query_scalar!(
            "select distinct resource from audit_entry where tenant_id = $1 and action = $2 and number is not null",
            ledger.id(),
            E::NAME,
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(resources.into_iter().collect())
    }

    /// Walks a chain from its signed beginning to its signed end, as they are at one moment. `checkpoints` are those that were kept elsewhere;
    /// the ones of other ledgers are not looked at.
    ///
    /// # Errors
    ///
    /// Fails if the database does. A chain that is wrong is no error but a [`Verification::fault`].
    pub async fn verify(&self, ledger: Ledger, checkpoints: &[Checkpoint]) -> Result<Verification, DbError> {
        let mut tx = self.db.system("verify audit chains").begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
        let now = tx.now();
        let head = query_as!(
            Checkpoint,
            "select tenant_id as ledger, sealed, mac, pruned, pruned_mac, at, signature from audit_head where tenant_id = $1",
            ledger.id(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let unsealed = sqlx::query!(
            r#"select count(*) as "count!", coalesce(greatest(extract(epoch from $2 - min(at)), 0), 0)::float8 as "age!"
            from audit_entry where tenant_id = $1 and number is null"#,
            ledger.id(),
            now,
        )
        .fetch_one(&mut *tx)
        .await?;
        let (has_head, head) = (head.is_some(), head.unwrap_or_else(|| self.beginning(ledger, now)));
        let mut found = Verification {
            ledger: ledger.id(),
            sealed: head.sealed,
            pruned: head.pruned,
            intact: 0,
            forgotten: 0,
            unsealed: unsealed.count,
            unsealed_seconds: unsealed.age,
            fault: None,
        };
        let checkpoints: Vec<_> = checkpoints.iter().filter(|checkpoint| checkpoint.ledger == ledger.id()).collect();
        found.fault = if has_head && !self.is_signed(&head) {
            // Its numbers mean nothing then, but the entries themselves still say where they stop fitting.
            self.walk(&mut tx, &head, &checkpoints, &mut found).await?.or(Some(Fault {
                kind: FaultKind::Head,
                number: head.sealed,
                entry: None,
            }))
        } else {
            self.walk(&mut tx, &head, &checkpoints, &mut found).await?
        };
        if !has_head && let Some(fault) = &mut found.fault {
            fault.kind = FaultKind::Head;
        }
        Ok(found)
    }

    async fn walk(
        &self,
        tx: &mut SystemTx,
        head: &Checkpoint,
        checkpoints: &[&Checkpoint],
        found: &mut Verification,
    ) -> Result<Option<Fault>, DbError> {
        let (mut number, mut mac) = (head.pruned, head.pruned_mac.clone());
        if let Some(fault) = self.compare(checkpoints, number, &mac) {
            return Ok(Some(fault));
        }
        loop {
            let rows = query_as!(
                Row,
                r#"select tenant_id, id, at, action, version, severity, actor_kind, actor_id, on_behalf_of, resource, data, request_id,
                    address::text, user_agent, number, salt, origin_digest, mac
                from audit_entry
                where tenant_id = $1 and number > $2
                order by number, id
                limit $3"#,
                head.ledger,
                number,
                PAGE,
            )
            .fetch_all(&mut **tx)
            .await?;
            for row in &rows {
                let expected = number + 1;
                let fault = |kind| Some(Fault { kind, number: expected, entry: Some(row.id.into()) });
                if expected > head.sealed {
                    return Ok(fault(FaultKind::Beyond));
                }
                if row.number != Some(expected) {
                    return Ok(Some(Fault { kind: FaultKind::Missing, number: expected, entry: None }));
                }
                let (sealed_mac, digest) = (row.mac.as_deref().unwrap_or_default(), row.origin_digest.as_deref().unwrap_or_default());
                let origin = row.sealed_origin();
                if origin == SealedOrigin::Changed || !self.is_sealed(&row.message(&mac, expected, digest), sealed_mac) {
                    return Ok(fault(FaultKind::Changed));
                }
                found.intact += 1;
                found.forgotten += i64::from(origin == SealedOrigin::Forgotten);
                (number, mac) = (expected, sealed_mac.to_vec());
                if let Some(fault) = self.compare(checkpoints, number, &mac) {
                    return Ok(Some(fault));
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        let cut = |kind| Some(Fault { kind, number: number + 1, entry: None });
        Ok(if number < head.sealed {
            cut(FaultKind::Truncated)
        } else if mac != head.mac {
            Some(Fault { kind: FaultKind::Head, number, entry: None })
        } else if checkpoints.iter().any(|checkpoint| checkpoint.sealed > number) {
            // The whole chain was put back, with its end.
            cut(FaultKind::Truncated)
        } else {
            None
        })
    }

    /// What a checkpoint says of the entry with this number.
    fn compare(&self, checkpoints: &[&Checkpoint], number: i64, mac: &[u8]) -> Option<Fault> {
        let differs = |checkpoint: &&&Checkpoint| {
            !self.is_signed(checkpoint)
                || (checkpoint.sealed == number && checkpoint.mac != mac)
                || (checkpoint.pruned == number && checkpoint.pruned_mac != mac)
        };
        checkpoints.iter().find(differs).map(|_| Fault { kind: FaultKind::Checkpoint, number, entry: None })
    }
}
