use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    Actor, DbError, Job, Jobs, Ledger, MasterKey, OpenError, Problem, Purpose, SystemDb, SystemRun, SystemTx, system_event_in,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{SigningKeyRotated, access::LIFETIME};
use crate::Auth;

const PRIVATE: Purpose = Purpose::new("keys that sign tokens");

/// How long a key is published before it signs: longer than anybody keeps what `/.well-known/jwks.json` answered.
const PUBLISHED_BEFORE: TimeDelta = TimeDelta::hours(24);

/// How long a key signs before another takes its place.
const SIGNS_FOR: TimeDelta = TimeDelta::days(30);

/// How far the clocks of two nodes may be apart.
const SLACK: TimeDelta = TimeDelta::minutes(5);

/// A key that signs.
pub(super) struct SigningKey {
    pub(super) id: Uuid,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    pub(super) fn sign(&self, message: &str) -> Vec<u8> {
        self.pair.sign(message.as_bytes()).as_ref().to_vec()
    }
}

/// The signing key cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// It was sealed with a master key that the program does not have.
    #[error("the key that signs tokens cannot be opened")]
    Sealed(#[from] OpenError),
    /// What was sealed is no key, or another's.
    #[error("what is kept as a signing key is none")]
    Damaged,
    /// There is none, although one was made.
    #[error("there is no signing key")]
    Missing,
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for SigningKeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<SigningKeyError> for Problem {
    fn from(error: SigningKeyError) -> Self {
        match error {
            SigningKeyError::Db(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

/// How a signing key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// As each month: the new key is published now and signs from tomorrow on; the old one counts until what it signed is over. Nobody notices.
    Planned,
    /// Somebody else may have the old key: the new one signs at once, and what any other has signed is refused from now on. Programs get other
    /// access tokens with their refresh tokens.
    Compromised,
}

/// A signing key that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NewSigningKey {
    /// Its id, the `kid` of what it signs.
    pub id: Uuid,
    /// From when on it signs.
    pub signs_from: DateTime<Utc>,
}

/// The key that signs now. The first one is made when it is needed.
pub(super) async fn signing_key_in(tx: &mut SystemTx, keys: &MasterKey) -> Result<SigningKey, SigningKeyError> {
    if let Some(key) = current_in(tx, keys).await? {
        return Ok(key);
    }
    let now = tx.now();
    insert_in(tx, keys, now).await?;
    // Somebody else may have been faster, and then it is theirs.
    current_in(tx, keys).await?.ok_or(SigningKeyError::Missing)
}

async fn current_in(tx: &mut SystemTx, keys: &MasterKey) -> Result<Option<SigningKey>, SigningKeyError> {
    let now = tx.now();
    // The latest that has begun. Where the clock has gone back behind them all, the first: it is nobody's fault, and one must sign.
    let row = sqlx::query!(
        "select id, public_key, sealed_private_key from auth.signing_key
        where expires_at is null or expires_at > $1
        order by signs_from <= $1 desc, abs(extract(epoch from signs_from - $1))
        limit 1",
        now,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let seed = keys.open(PRIVATE, row.id.as_bytes(), &row.sealed_private_key)?;
    let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &row.public_key).map_err(|_| SigningKeyError::Damaged)?;
    Ok(Some(SigningKey { id: row.id, pair }))
}

/// Makes a key; nothing if there is a newest one already.
async fn insert_in(tx: &mut SystemTx, keys: &MasterKey, signs_from: DateTime<Utc>) -> Result<Option<NewSigningKey>, SigningKeyError> {
    let (id, seed, now) = (Uuid::now_v7(), Zeroizing::new(rand::random::<[u8; 32]>()), tx.now());
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| SigningKeyError::Damaged)?;
    let made = sqlx::query!(
        "insert into auth.signing_key (id, public_key, sealed_private_key, created_at, signs_from) values ($1, $2, $3, $4, $5)
        on conflict do nothing",
        id,
        pair.public_key().as_ref(),
        keys.seal(PRIVATE, id.as_bytes(), seed.as_slice()),
        now,
        signs_from,
    )
    .execute(&mut **tx)
    .await?;
    Ok((made.rows_affected() == 1).then_some(NewSigningKey { id, signs_from }))
}

/// Publishes another signing key in the place of the one that signs, and says which it is. While one waits for its day, a planned rotation has
/// happened already and that one is answered.
///
/// # Errors
///
/// Fails if the database does.
pub async fn signing_key_rotate(db: &SystemDb, keys: &MasterKey, rotation: Rotation) -> Result<NewSigningKey, SigningKeyError> {
    let mut tx = db.begin().await?;
    let now = tx.now();
    // One after the other: whoever comes second finds what the first has made. Who signs or checks waits for nobody.
    sqlx::query!("lock table auth.signing_key in share row exclusive mode").execute(&mut *tx).await?;
    let newest = newest_in(&mut tx).await?;
    let signs_from = match (rotation, newest) {
        (Rotation::Planned, Some(waiting)) if waiting.signs_from > now => return Ok(waiting),
        (Rotation::Planned, Some(_)) => now + PUBLISHED_BEFORE,
        (Rotation::Planned, None) | (Rotation::Compromised, _) => now,
    };
    match rotation {
        Rotation::Planned => {
            let over_at = signs_from + LIFETIME + SLACK;
            sqlx::query!("update auth.signing_key set expires_at = $1 where expires_at is null", over_at).execute(&mut *tx).await?;
        }
        Rotation::Compromised => {
            sqlx::query!("update auth.signing_key set expires_at = $1 where expires_at is null or expires_at > $1", now)
                .execute(&mut *tx)
                .await?;
        }
    }
    let new = insert_in(&mut tx, keys, signs_from).await?.ok_or(SigningKeyError::Missing)?;
    let withdrawn = rotation == Rotation::Compromised;
    system_event_in(&mut tx, Ledger::Platform, Actor::System, new.id, &SigningKeyRotated { signs_from, withdrawn }).await?;
    tx.commit().await?;
    tracing::info!(key.id = %new.id, withdrawn, "rotated the key that signs tokens");
    Ok(new)
}

async fn newest_in(tx: &mut SystemTx) -> Result<Option<NewSigningKey>, DbError> {
    Ok(sqlx::query_as!(NewSigningKey, "select id, signs_from from auth.signing_key where expires_at is null")
        .fetch_optional(&mut **tx)
        .await?)
}

#[derive(Debug, Serialize, Deserialize)]
struct RotateSigningKeys {}

impl Job for RotateSigningKeys {
    const NAME: &'static str = "auth.signing_keys";
}

impl Auth {
    /// Looks each night (UTC) whether it is time for another key that signs tokens.
    pub fn rotate_signing_keys_daily(&self, jobs: &Jobs) {
        let auth = self.clone();
        jobs.on(move |run: SystemRun, _: RotateSigningKeys| {
            let auth = auth.clone();
            async move { Ok(auth.rotate_signing_keys(run.db()).await?) }
        });
        jobs.cron("40 3 * * *", &RotateSigningKeys {});
    }

    /// Publishes another signing key if the newest one has signed for 30 days.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn rotate_signing_keys(&self, db: &SystemDb) -> Result<(), SigningKeyError> {
        let mut tx = db.begin().await?;
        let now = tx.now();
        let newest = newest_in(&mut tx).await?;
        tx.commit().await?;
        if newest.is_some_and(|newest| newest.signs_from + SIGNS_FOR <= now) {
            signing_key_rotate(db, self.keys(), Rotation::Planned).await?;
        }
        Ok(())
    }
}
