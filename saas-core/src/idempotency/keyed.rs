use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Actor, DbError, MasterKey, TenantDb, TenantTx};

use super::{REMEMBERED, answer::Answer};

/// The key of a request and what became of it so far. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Keyed(Arc<Inner>);

struct Inner {
    key: String,
    keys: MasterKey,
    /// The method and the address, and the body as far as it was read.
    request: Mutex<Sha256>,
    state: Mutex<State>,
}

/// What became of a request.
#[derive(Default)]
pub(super) enum State {
    /// No transaction was opened, or none that could write.
    #[default]
    Fresh,
    /// The first transaction has the key. It may yet be undone.
    Begun,
    /// All is written but the answer, with which it will be committed.
    Done(Row, TenantTx),
    /// It was committed before the answer was known, because the handler opened another transaction.
    Early(Row, TenantDb),
    /// The same request is being answered elsewhere.
    Busy,
    /// The key stands for another request.
    Other,
    /// It was answered before; none if what was said is lost.
    Known(Row, Option<Vec<u8>>),
}

/// The row that keeps the answer.
#[derive(Clone)]
pub(super) struct Row {
    tenant: Option<Uuid>,
    kind: &'static str,
    caller: Uuid,
    key: String,
    request: Vec<u8>,
}

impl Row {
    /// Where the answer is stored: it does not open anywhere else.
    pub(super) fn place(&self) -> Vec<u8> {
        format!("{} kept_answer {} {} {}", self.tenant.unwrap_or_default(), self.kind, self.caller, self.key).into_bytes()
    }
}

impl Keyed {
    pub(super) fn new(key: String, keys: MasterKey, method: &http::Method, uri: &http::Uri) -> Self {
        let mut request = Sha256::new();
        request.update(format!("{method} {uri}\n"));
        Self(Arc::new(Inner { key, keys, request: Mutex::new(request), state: Mutex::default() }))
    }

    /// A part of the body was read.
    pub(super) fn read(&self, part: &[u8]) {
        self.0.request.lock().unwrap_or_else(PoisonError::into_inner).update(part);
    }

    pub(super) fn keys(&self) -> &MasterKey {
        &self.0.keys
    }

    pub(super) fn key(&self) -> &str {
        &self.0.key
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> State {
        mem::take(&mut *self.state())
    }

    /// Opens a transaction of the request. The first one takes the key, or fails: the layer answers then, whatever the handler says.
    pub(crate) async fn begin(&self, actor: Actor, db: &TenantDb) -> Result<TenantTx, DbError> {
        let before = mem::replace(&mut *self.state(), State::Begun);
        match before {
            State::Fresh => {}
            State::Done(row, mut tx) => {
                // The handler may need to see what it wrote, and would wait for itself.
                keep_in(&mut tx, &row, None).await?;
                tx.commit().await?;
                *self.state() = State::Early(row, db.without_key());
                return db.open().await;
            }
            other => {
                *self.state() = other;
                return db.open().await;
            }
        }
        // If anything goes wrong from here on, the next transaction is the first.
        let claim = |row| Claim { keyed: self.clone(), row };
        let (kind, caller, _) = actor.columns();
        let request = self.0.request.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize().to_vec();
        let tenant = db.tenant().map(Uuid::from);
        let claim = claim(Row { tenant, kind, caller: caller.unwrap_or_default(), key: self.0.key.clone(), request });
        let mut tx = db.open().await?;
        match look_in(&mut tx, &claim.row).await? {
            State::Begun => Ok(tx.keyed(claim)),
            taken => {
                *self.state() = taken;
                Err(sqlx::Error::Protocol("the key is taken".to_owned()).into())
            }
        }
    }
}

/// The key is a transaction's. Given back when it is dropped before the work is done, so that a unit that is begun anew takes it again.
pub(crate) struct Claim {
    keyed: Keyed,
    row: Row,
}

impl Claim {
    /// The handler has done its work.
    pub(crate) fn done(self, tx: TenantTx) {
        *self.keyed.state() = State::Done(self.row.clone(), tx);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.keyed.state();
        if matches!(*state, State::Begun) {
            *state = State::Fresh;
        }
    }
}

/// Who was refused asks again at once, while the server is still undoing what the first request did: that takes a moment and no more.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Takes the key for as long as the transaction lasts, and looks whether it was used.
async fn look_in(tx: &mut TenantTx, row: &Row) -> Result<State, DbError> {
    // Two statements: what another transaction committed before it gave the key back must be seen.
    let place = String::from_utf8_lossy(&row.place()).into_owned();
    let mut tries = TRIES;
    while !is_free_in(tx, &place).await? {
        tries -= 1;
        if tries == 0 {
            return Ok(State::Busy);
        }
        tokio::time::sleep(PAUSE).await;
    }
    let since = tx.now() - REMEMBERED;
    let known = sqlx::query!(
        "select request, answer from kept_answer
        where tenant_id = $1 and caller_kind = $2 and caller_id = $3 and key = $4 and at > $5",
        row.tenant,
        row.kind,
        row.caller,
        row.key,
        since,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(match known {
        None => State::Begun,
        Some(known) if known.request != row.request => State::Other,
        Some(known) => State::Known(row.clone(), known.answer),
    })
}

async fn is_free_in(tx: &mut TenantTx, place: &str) -> Result<bool, DbError> {
    let is_free = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "free!""#, place);
    Ok(is_free.fetch_one(&mut **tx).await?)
}

/// Writes the row, and forgets some that are older than a day.
pub(super) async fn keep_in(tx: &mut TenantTx, row: &Row, answer: Option<(&MasterKey, &Answer)>) -> Result<(), DbError> {
    let sealed = answer.map(|(keys, answer)| answer.seal(keys, &row.place()));
    let now = tx.now();
    sqlx::query!(
        "with forgotten as (
            delete from kept_answer where tenant_id = $1 and (caller_kind, caller_id, key) in (
                select caller_kind, caller_id, key from kept_answer
                where tenant_id = $1 and at <= $8 and (caller_kind, caller_id, key) <> ($2, $3, $4)
                order by at limit 100
            )
        )
        insert into kept_answer (tenant_id, caller_kind, caller_id, key, request, answer, at) values ($1, $2, $3, $4, $5, $6, $7)
        on conflict on constraint kept_answer_pkey do update set request = excluded.request, answer = excluded.answer, at = excluded.at",
        row.tenant,
        row.kind,
        row.caller,
        row.key,
        row.request,
        sealed,
        now,
        now - REMEMBERED,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}
