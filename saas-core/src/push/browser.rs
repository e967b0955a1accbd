//! Browsers: how somebody allows one, which they have, and how one is forgotten.

use std::fmt;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    BrowserId, MOST, MOST_STOPPED, Push, PushBrowserAdded, PushBrowserRemoved, RemovedBecause,
    encryption::{BrowserKeys, POINT_BYTES},
};
use crate::{
    Actor, DbError, FieldError, Ledger, MasterKey, Origin, Problem, ProblemType, Purpose, SessionId, SignedIn, SystemTx, UserId, Validate,
    system_event_in,
};

const PURPOSE: Purpose = Purpose::new("push browsers");

/// How many browsers are looked at in one go.
const PAGE: i64 = 500;
/// The longest address of a push service.
const LONGEST: usize = 2000;

/// Some browsers fill up what they write in base64, and some do not.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::URL_SAFE, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// What a browser answers that may be told: a `PushSubscription`, and with which key it was asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPushBrowser {
    /// Where its push service takes messages, over https. Whoever knows it can send there, so it is kept as a secret.
    endpoint: String,
    /// What messages are encrypted with.
    keys: NewPushKeys,
    /// The `server_key` that the browser was asked with.
    server_key: String,
}

/// What a browser reads its messages with, in base64 for addresses.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPushKeys {
    /// A point of the curve P-256, uncompressed.
    p256dh: String,
    /// 16 bytes.
    auth: String,
}

impl Validate for NewPushBrowser {}

/// A browser in which somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct PushBrowser {
    /// Its id.
    pub id: BrowserId,
    /// What it called itself.
    pub user_agent: Option<String>,
    /// When it was allowed.
    pub created_at: DateTime<Utc>,
    /// Whether the request came from it.
    pub current: bool,
    #[serde(skip)]
    session: SessionId,
}

/// A browser cannot be added or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// There is none with this id.
    #[error("there is no such browser")]
    NotFound,
    /// What it answered is no subscription that we could send to.
    #[error("what the browser answered cannot be used")]
    Invalid(&'static str, &'static str),
    /// There are as many as there may be.
    #[error("there are {MOST} browsers, and there may be no more")]
    TooMany,
    /// Its person has stopped it. Asked anew, it has another address.
    #[error("this browser was stopped, and has to be asked anew")]
    Stopped,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for PushError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<PushError> for Problem {
    fn from(error: PushError) -> Self {
        match error {
            PushError::NotFound => Self::not_found(),
            PushError::Invalid(pointer, words) => Self::invalid([FieldError::new(pointer, words)]),
            PushError::TooMany | PushError::Stopped => Self::new(&ProblemType::CONFLICT).detail(error.to_string()),
            PushError::Database(error) => error.into(),
        }
    }
}

/// Where a browser is reached, and what with. Whoever has it can send there.
pub(super) struct Reached {
    pub(super) service: Url,
    pub(super) keys: BrowserKeys,
}

/// As it is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    endpoint: String,
    point: Vec<u8>,
    auth: Vec<u8>,
}

/// What was sealed is no browser any more: the key is another, or the row was moved.
#[derive(Debug, thiserror::Error)]
#[error("where the browser is reached cannot be read")]
pub(super) struct Unreadable;

impl Reached {
    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.service.as_str()).into()
    }

    fn seal(&self, keys: &MasterKey, browser: BrowserId) -> Result<Vec<u8>, Unreadable> {
        let sealed = Sealed { endpoint: self.service.to_string(), point: self.keys.point().to_vec(), auth: self.keys.auth().to_vec() };
        let plain = serde_json::to_vec(&sealed).map(zeroize::Zeroizing::new).map_err(|_| Unreadable)?;
        Ok(keys.seal(PURPOSE, &place(browser), &plain))
    }

    pub(super) fn open(keys: &MasterKey, browser: BrowserId, sealed: &[u8]) -> Result<Self, Unreadable> {
        let plain = keys.open(PURPOSE, &place(browser), sealed).map_err(|_| Unreadable)?;
        let sealed: Sealed = serde_json::from_slice(&plain).map_err(|_| Unreadable)?;
        let service = sealed.endpoint.parse().map_err(|_| Unreadable)?;
        Ok(Self { service, keys: BrowserKeys::of(&sealed.point, &sealed.auth).ok_or(Unreadable)? })
    }
}

/// Where it is stored: in another row it does not open.
fn place(browser: BrowserId) -> Vec<u8> {
    format!("push_browser/sealed/{browser}").into_bytes()
}

impl fmt::Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Push {
    /// What a browser is asked with.
    pub(super) fn server_key(&self) -> String {
        self.0.vapid.first().map(super::vapid::Vapid::text).unwrap_or_default()
    }

    /// Checks what a browser answered; also the key that it was asked with.
    fn check(&self, new: &NewPushBrowser) -> Result<(Reached, Vec<u8>), PushError> {
        let service = Url::parse(&new.endpoint)
            .ok()
            .filter(|url| new.endpoint.len() <= LONGEST && self.0.outbound.check(url).is_ok())
            .ok_or(PushError::Invalid("/endpoint", "must be an https address that can be reached from everywhere"))?;
        let read = |text: &str| BASE64.decode(text).unwrap_or_default();
        let keys = BrowserKeys::of(&read(&new.keys.p256dh), &read(&new.keys.auth))
            .ok_or(PushError::Invalid("/keys", "must be a point of P-256 and a secret of 16 bytes"))?;
        let server_key = read(&new.server_key);
        if server_key.len() != POINT_BYTES || !self.0.vapid.iter().any(|ours| ours.point() == server_key) {
            return Err(PushError::Invalid("/server_key", "must be the key that we say"));
        }
        Ok((Reached { service, keys }, server_key))
    }

    /// Tells somebody in the browser of this session from now on. Whoever was told there before is not any more.
    pub(super) async fn browser_add(&self, me: &SignedIn, origin: Origin, new: &NewPushBrowser) -> Result<PushBrowser, PushError> {
        let (reached, server_key) = self.check(new)?;
        // Of those that count, none is of a session that is over.
        for browser in self.stored(me).await? {
            if !self.is_told(&browser).await? {
                self.browser_forget(me.user, browser.id, Some(browser.session), RemovedBecause::SessionOver).await?;
            }
        }
        let mut tx = self.0.db.system("allow a browser").caused_by(origin).begin().await?;
        let (hash, now, user_agent) = (reached.hash(), tx.now(), tx.origin().user_agent.clone());
        // Two at once are one after the other, for the browser and for the person.
        for lock in [format!("push_browser {hash:x?}"), format!("push_browser {}", me.user)] {
            sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", lock).execute(&mut *tx).await?;
        }
        let overtaken = sqlx::query!(
            r#"delete from core.push_browser
            where endpoint_hash = $1 and user_id <> $2 or session_id = $3 and endpoint_hash <> $1
            returning id as "id: BrowserId", user_id as "user: UserId", stopped_at is not null as "is_stopped!""#,
            hash.as_slice(),
            Uuid::from(me.user),
            Uuid::from(me.session),
        )
        .fetch_all(&mut *tx)
        .await?;
        for old in overtaken.iter().filter(|old| !old.is_stopped) {
            removed_in(&mut tx, Actor::System, old.user, old.id, RemovedBecause::TakenOver).await?;
        }
        let known = sqlx::query!(
            r#"select id as "id: BrowserId", created_at, stopped_at is not null as "is_stopped!" from core.push_browser
            where endpoint_hash = $1 for update"#,
            hash.as_slice(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        if known.as_ref().is_some_and(|known| known.is_stopped) {
            return Err(PushError::Stopped);
        }
        let (id, created_at) = known.as_ref().map_or_else(|| (BrowserId::new(), now), |known| (known.id, known.created_at));
        let sealed = reached.seal(&self.0.keys, id).map_err(|_| PushError::Invalid("/endpoint", "cannot be kept"))?;
        let added = sqlx::query!(
            r#"insert into core.push_browser (id, user_id, session_id, endpoint_hash, sealed, server_key, user_agent, created_at)
            select $1, $2, $3, $4, $5, $6, $7, $8
            where (select count(*) from core.push_browser where user_id = $2 and id <> $1 and stopped_at is null) < $9
            on conflict on constraint push_browser_pkey do update
            set session_id = excluded.session_id, sealed = excluded.sealed, server_key = excluded.server_key, user_agent = excluded.user_agent"#,
            Uuid::from(id),
            Uuid::from(me.user),
            Uuid::from(me.session),
            hash.as_slice(),
            sealed,
            server_key,
            user_agent.as_deref(),
            created_at,
            MOST,
        )
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(PushError::TooMany);
        }
        if known.is_none() {
            system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &PushBrowserAdded { browser: id }).await?;
        }
        tx.commit().await?;
        let user_agent = user_agent.as_deref().map(str::to_owned);
        Ok(PushBrowser { id, user_agent, created_at, current: true, session: me.session })
    }

    /// The browsers in which somebody is told, the oldest first.
    pub(super) async fn browsers(&self, me: &SignedIn) -> Result<Vec<PushBrowser>, DbError> {
        let mut told = Vec::new();
        for browser in self.stored(me).await? {
            if self.is_told(&browser).await? {
                told.push(browser);
            }
        }
        Ok(told)
    }

    /// Whether the session is not over in which it was allowed.
    async fn is_told(&self, browser: &PushBrowser) -> Result<bool, DbError> {
        Ok(browser.current || (self.0.holds)(browser.session).await?)
    }

    async fn stored(&self, me: &SignedIn) -> Result<Vec<PushBrowser>, DbError> {
        let mut tx = self.0.db.system("a person's browsers").begin().await?;
        let rows = sqlx::query!(
            r#"select id as "id: BrowserId", session_id as "session: SessionId", user_agent, created_at
            from core.push_browser
            where user_id = $1 and stopped_at is null
            order by created_at, id"#,
            Uuid::from(me.user),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let browsers = rows.into_iter().map(|row| PushBrowser {
            id: row.id,
            user_agent: row.user_agent,
            created_at: row.created_at,
            current: row.session == me.session,
            session: row.session,
        });
        Ok(browsers.collect())
    }

    /// Tells somebody nothing more in one of their browsers, and in whichever session its script asks for it at this address.
    pub(super) async fn browser_remove(&self, me: &SignedIn, origin: Origin, id: BrowserId) -> Result<(), PushError> {
        let mut tx = self.0.db.system("forget a browser").caused_by(origin).begin().await?;
        if !stopped_in(&mut tx, me.user, id).await? {
            return Err(PushError::NotFound);
        }
        removed_in(&mut tx, me.into(), me.user, id, RemovedBecause::Wanted).await?;
        Ok(tx.commit().await?)
    }

    /// Forgets the browsers of sessions that are over, though no message came that would have asked. Says how many.
    ///
    /// # Errors
    ///
    /// Fails if the database does, or nobody can say whether a session is over; what was forgotten until then stays so.
    pub async fn sweep(&self) -> Result<u64, DbError> {
        let (mut forgotten, mut after) = (0, Uuid::nil());
        loop {
            let page = self.page(after).await?;
            let Some((last, ..)) = page.last() else { return Ok(forgotten) };
            after = (*last).into();
            for (browser, user, session) in page {
                if !(self.0.holds)(session).await? {
                    self.browser_forget(user, browser, Some(session), RemovedBecause::SessionOver).await?;
                    forgotten += 1;
                }
            }
        }
    }

    /// Some of those in which anybody is told, with whom and of which session: the first ones after an id.
    async fn page(&self, after: Uuid) -> Result<Vec<(BrowserId, UserId, SessionId)>, DbError> {
        let mut tx = self.0.db.system("forget browsers of sessions that are over").begin().await?;
        let rows = sqlx::query!(
            r#"select id as "id: BrowserId", user_id as "user: UserId", session_id as "session: SessionId" from core.push_browser
            where id > $1 and stopped_at is null
            order by id
            limit $2"#,
            after,
            PAGE,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows.into_iter().map(|row| (row.id, row.user, row.session)).collect())
    }

    /// The same as removing it, without anybody asking for it: if it is still of this session, where one is said.
    pub(super) async fn browser_forget(
        &self,
        user: UserId,
        id: BrowserId,
        of: Option<SessionId>,
        because: RemovedBecause,
    ) -> Result<(), DbError> {
        let mut tx = self.0.db.system("forget a browser").begin().await?;
        if deleted_in(&mut tx, user, id, of).await? {
            removed_in(&mut tx, Actor::System, user, id, because).await?;
        }
        tx.commit().await
    }
}

/// Of those that somebody stopped, only the newest are known again.
async fn stopped_in(tx: &mut SystemTx, user: UserId, id: BrowserId) -> Result<bool, DbError> {
    let now = tx.now();
    let stopped = sqlx::query!(
        "update core.push_browser set stopped_at = $3, sealed = '', user_agent = null, rests_until = null
        where id = $1 and user_id = $2 and stopped_at is null",
        Uuid::from(id),
        Uuid::from(user),
        now,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "delete from core.push_browser where id in (
            select id from core.push_browser where user_id = $1 and stopped_at is not null order by stopped_at desc, id desc offset $2
        )",
        Uuid::from(user),
        MOST_STOPPED,
    )
    .execute(&mut **tx)
    .await?;
    Ok(stopped.rows_affected() == 1)
}

async fn deleted_in(tx: &mut SystemTx, user: UserId, id: BrowserId, of: Option<SessionId>) -> Result<bool, DbError> {
    let deleted = sqlx::query!(
        "delete from core.push_browser where id = $1 and user_id = $2 and stopped_at is null and ($3::uuid is null or session_id = $3)",
        Uuid::from(id),
        Uuid::from(user),
        of.map(Uuid::from) as Option<Uuid>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

async fn removed_in(tx: &mut SystemTx, actor: Actor, user: UserId, browser: BrowserId, because: RemovedBecause) -> Result<(), DbError> {
    system_event_in(tx, Ledger::Platform, actor, user, &PushBrowserRemoved { browser, because }).await.map(drop)
}
