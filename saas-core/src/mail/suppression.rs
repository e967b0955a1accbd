use std::{collections::HashMap, fmt};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::outbox::{ADDRESSES, address_key};
use crate::{DbError, MasterKey, SystemTx};

/// Addresses that nothing is sent to: their mail server said that there is no such mailbox, or their owner complained. Only a keyed hash of
/// each is kept.
///
/// What a mail server says while it is spoken to is noted by itself. Bounces and complaints that come back later as mail are read and believed by
/// [`report_in`](Self::report_in), or `mail report` on the command line; whoever sends for the product and tells of them in a way of its own comes to
/// [`add_in`](Self::add_in), or `mail suppress`.
#[derive(Clone)]
pub struct Suppressions {
    keys: MasterKey,
}

/// Why nothing is sent to an address. Of two reasons the greater counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SuppressionReason {
    /// Its mail server said that there is no such mailbox.
    Bounce,
    /// Its owner told their mail provider that our mail is unwanted.
    Complaint,
}

impl SuppressionReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }

    /// What is stored, read again. The table's constraint lets nothing else in.
    fn of(text: &str) -> Self {
        if text == "bounce" { Self::Bounce } else { Self::Complaint }
    }
}

/// An address that nothing is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suppression {
    /// Why.
    pub reason: SuppressionReason,
    /// What the mail server said.
    pub answer: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Suppressions {
    /// With the program's key.
    #[must_use]
    pub fn new(keys: MasterKey) -> Self {
        Self { keys }
    }

    /// Whether and why nothing is sent to an address.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn find_in(&self, tx: &mut SystemTx, address: &str) -> Result<Option<Suppression>, DbError> {
        let row = sqlx::query!(
            // Under each key one; "complaint" comes after "bounce".
            "select reason, answer, since from core.mail_suppression where address_hash = any ($1) order by reason desc limit 1",
            &self.hashes(address),
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(row.map(|row| Suppression { reason: SuppressionReason::of(&row.reason), answer: row.answer, since: row.since }))
    }

    /// The latest of them. Which addresses they are is not known: only whoever has an address can ask for it.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn latest_in(tx: &mut SystemTx, limit: u32) -> Result<Vec<Suppression>, DbError> {
        let rows = sqlx::query!("select reason, answer, since from core.mail_suppression order by since desc limit $1", i64::from(limit))
            .fetch_all(&mut **tx)
            .await?;
        let suppression =
            rows.into_iter().map(|row| Suppression { reason: SuppressionReason::of(&row.reason), answer: row.answer, since: row.since });
        Ok(suppression.collect())
    }

    /// For each of these addresses, whether and why nothing is sent to it.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub(super) async fn among_in(&self, tx: &mut SystemTx, addresses: &[&str]) -> Result<Vec<Option<Suppression>>, DbError> {
        let hashes: Vec<Vec<Vec<u8>>> = addresses.iter().map(|address| self.hashes(address)).collect();
        let rows = sqlx::query!(
            "select address_hash, reason, answer, since from core.mail_suppression where address_hash = any ($1)",
            &hashes.concat(),
        )
        .fetch_all(&mut **tx)
        .await?;
        let found: HashMap<_, _> = rows
            .into_iter()
            .map(|row| (row.address_hash, Suppression { reason: SuppressionReason::of(&row.reason), answer: row.answer, since: row.since }))
            .collect();
        let reason = |hashes: &Vec<_>| hashes.iter().filter_map(|hash| found.get(hash)).max_by_key(|it| it.reason).cloned();
        Ok(hashes.iter().map(reason).collect())
    }

    /// Sends nothing more to an address. What a mail provider reports comes here. Of the answer, what looks like an address is not kept.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn add_in(&self, tx: &mut SystemTx, address: &str, reason: SuppressionReason, answer: Option<&str>) -> Result<(), DbError> {
        self.add_hash_in(tx, &self.keys.sign(ADDRESSES, address_key(address).as_bytes()), reason, answer).await
    }

    /// The same of an address of which no more is known. Whoever complains is not disturbed again because their mail came back before.
    pub(super) async fn add_hash_in(
        &self,
        tx: &mut SystemTx,
        hash: &[u8],
        reason: SuppressionReason,
        answer: Option<&str>,
    ) -> Result<(), DbError> {
        let now = tx.now();
        sqlx::query!(
            "insert into core.mail_suppression (address_hash, reason, answer, since) values ($1, $2, left($3, 500), $4)
            on conflict on constraint mail_suppression_pkey do update set reason = excluded.reason, answer = excluded.answer, since = excluded.since
            where mail_suppression.reason = 'bounce' and excluded.reason = 'complaint'",
            hash,
            reason.as_str(),
            answer.map(without_addresses),
            now,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Sends to an address again. False if nothing was in the way.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn lift_in(&self, tx: &mut SystemTx, address: &str) -> Result<bool, DbError> {
        let lifted = sqlx::query!("delete from core.mail_suppression where address_hash = any ($1)", &self.hashes(address))
            .execute(&mut **tx)
            .await?;
        Ok(lifted.rows_affected() > 0)
    }

    /// Under each of the program's keys: an address may have been written down before the key was changed.
    pub(super) fn hashes(&self, address: &str) -> Vec<Vec<u8>> {
        self.keys.signatures(ADDRESSES, address_key(address).as_bytes()).map(Vec::from).collect()
    }
}

/// What is kept of a foreign answer: no address that it repeats, and nothing that PostgreSQL does not take.
pub(super) fn without_addresses(answer: &str) -> String {
    let words: Vec<_> = answer.split_whitespace().filter(|word| !word.contains('@')).collect();
    words.join(" ").chars().filter(|c| !c.is_control()).collect()
}

impl fmt::Debug for Suppressions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Suppressions")
    }
}
