//! The notes of an organization. Each `mistake` that is asked about is one that the product would not have.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::State as AxumState;
use http::{HeaderMap, HeaderValue, header};
use saas_core::{
    Can, Created, Db, DbError, FieldError, Json, NoContent, Path, Permission as _, Problem, ProblemType, Routes, Standing, TenantDb,
    TenantId, Validate,
};
use saas_tenancy::{Role, Roles};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Mistake;

saas_core::permissions! {
    /// Read notes.
    pub NoteRead = "leaky.note.read";
    /// Write and delete them.
    pub NoteWrite = "leaky.note.write";
}

saas_core::ids! {
    /// A note.
    pub NoteId;
}

/// Everybody reads, and all but viewers write.
#[must_use]
pub fn roles() -> Roles {
    Roles::new(&[(NoteRead::NAME, Role::ALL), (NoteWrite::NAME, &[Role::Owner, Role::Admin, Role::Member])])
}

/// A note.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
struct Note {
    id: NoteId,
    title: String,
    body: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Notes {
    notes: Vec<Note>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct NewNote {
    #[schema(max_length = 100)]
    title: String,
    body: String,
    /// Heard by a mistake alone.
    #[schema(ignore)]
    tenant_id: Option<TenantId>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct NewRemark {
    text: String,
}

impl Validate for NewNote {
    fn validate(&self) -> Vec<FieldError> {
        [flaw("/title", &self.title, 100), flaw("/body", &self.body, 10_000)].into_iter().flatten().collect()
    }
}

impl Validate for NewRemark {
    fn validate(&self) -> Vec<FieldError> {
        flaw("/text", &self.text, 1_000).into_iter().collect()
    }
}

/// No text that a database keeps has a character of the number nought.
fn flaw(pointer: &str, text: &str, longest: usize) -> Option<FieldError> {
    let is_good = !text.is_empty() && text.chars().count() <= longest && !text.contains('\0');
    (!is_good).then(|| FieldError::new(pointer, format!("must be 1 to {longest} characters")))
}

#[derive(Clone)]
struct State {
    db: Db,
    mistake: Option<Mistake>,
    cache: Arc<Mutex<BTreeMap<(TenantId, NoteId), Note>>>,
}

impl State {
    fn is(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Under what a note is kept.
    fn key(&self, standing: &Standing, id: NoteId) -> (TenantId, NoteId) {
        (if self.is(Mistake::CacheOfAll) { TenantId::from(Uuid::nil()) } else { standing.tenant }, id)
    }

    fn kept(&self, key: &(TenantId, NoteId)) -> Option<Note> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: (TenantId, NoteId), note: Note) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(key, note);
    }

    fn forget(&self, key: &(TenantId, NoteId)) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

pub(crate) fn routes(db: &Db, mistake: Option<Mistake>) -> Routes {
    let state = State { db: db.clone(), mistake, cache: Arc::default() };
    let routes = Routes::new()
        .get("/api/v1/notes", list)
        .about("Lists the notes of the organization")
        .post("/api/v1/notes", create)
        .about("Writes a note")
        .get("/api/v1/notes/{id}", show)
        .about("Shows a note")
        .put("/api/v1/notes/{id}", change)
        .about("Writes a note anew")
        .post("/api/v1/notes/{id}/remarks", remark)
        .about("Remarks on a note");
    let routes = if state.is(Mistake::NoPermission) {
        routes.delete("/api/v1/notes/{id}", remove_by_anybody)
    } else {
        routes.delete("/api/v1/notes/{id}", remove)
    };
    routes.about("Deletes a note").with_state(state)
}

async fn list(_: Can<NoteRead>, db: TenantDb, AxumState(state): AxumState<State>) -> Result<(HeaderMap, Json<Notes>), Problem> {
    const ALL: &str = "select id, title, body from note order by title limit 100";
    let notes = if state.is(Mistake::SystemRead) {
        let mut tx = state.db.system("a list for everybody").begin().await?;
        sqlx::query_as(ALL).fetch_all(&mut *tx).await?
    } else {
        let mut tx = db.begin().await?;
        sqlx::query_as(ALL).fetch_all(&mut *tx).await?
    };
    let mut headers = HeaderMap::new();
    if state.is(Mistake::TagOfAll) {
        headers.insert(header::ETAG, HeaderValue::from_static("\"1\""));
    }
    Ok((headers, Json(Notes { notes })))
}

async fn create(
    can: Can<NoteWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Json(new): Json<NewNote>,
) -> Result<Created<Note>, Problem> {
    let own = can.standing().tenant;
    let named = new.tenant_id.filter(|_| state.is(Mistake::TenantFromBody));
    let (tenant, db) = named.map_or((own, db), |named| (named, state.db.tenant(named)));
    let note = Note { id: NoteId::new(), title: new.title, body: new.body };
    let mut tx = db.begin().await?;
    let written = sqlx::query("insert into note (tenant_id, id, title, body) values ($1, $2, $3, $4)")
        .bind(tenant)
        .bind(note.id)
        .bind(&note.title)
        .bind(&note.body)
        .execute(&mut *tx)
        .await;
    written.map_err(|error| refusal(&state, error))?;
    tx.commit().await?;
    Ok(Created(note))
}

fn refusal(state: &State, error: sqlx::Error) -> Problem {
    let said = error.to_string();
    let error = DbError::from(error);
    match error.constraint() {
        Some("note_title_key" | "note_title") if state.is(Mistake::ErrorText) => Problem::new(&ProblemType::CONFLICT).detail(said),
        Some("note_title_key" | "note_title") => Problem::new(&ProblemType::CONFLICT).detail("there is a note of this title"),
        _ => Problem::from(error),
    }
}

async fn show(
    can: Can<NoteRead>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Path(id): Path<NoteId>,
) -> Result<(HeaderMap, Json<Note>), Problem> {
    let key = state.key(can.standing(), id);
    let note = match state.kept(&key) {
        Some(note) => note,
        None => {
            let mut tx = db.begin().await?;
            let found: Option<Note> =
                sqlx::query_as("select id, title, body from note where id = $1").bind(id).fetch_optional(&mut *tx).await?;
            drop(tx);
            let Some(note) = found else { return Err(absent(&state, id).await?) };
            state.keep(key, note.clone());
            note
        }
    };
    let mut headers = HeaderMap::new();
    if state.is(Mistake::PublicAnswer) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    }
    if state.is(Mistake::WritingGet) {
        note_remark(&state.db.tenant(can.standing().tenant), id, "was read").await?;
    }
    Ok((headers, Json(note)))
}

/// What is said of a note that is not there.
async fn absent(state: &State, id: NoteId) -> Result<Problem, Problem> {
    if !state.is(Mistake::Forbidden) {
        return Ok(Problem::not_found());
    }
    let mut tx = state.db.system("whether it is somebody else's").begin().await?;
    let is_there: bool = sqlx::query_scalar("select exists (select from note where id = $1)").bind(id).fetch_one(&mut *tx).await?;
    Ok(if is_there { Problem::forbidden() } else { Problem::not_found() })
}

async fn change(
    can: Can<NoteWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Path(id): Path<NoteId>,
    Json(new): Json<NewNote>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    let changed =
        sqlx::query("update note set title = $2, body = $3 where id = $1").bind(id).bind(new.title).bind(new.body).execute(&mut *tx).await;
    if changed.map_err(|error| refusal(&state, error))?.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    tx.commit().await?;
    state.forget(&state.key(can.standing(), id));
    Ok(NoContent)
}

async fn remark(_: Can<NoteWrite>, db: TenantDb, Path(id): Path<NoteId>, Json(new): Json<NewRemark>) -> Result<NoContent, Problem> {
    note_remark(&db, id, &new.text).await?;
    Ok(NoContent)
}

async fn note_remark(db: &TenantDb, note: NoteId, text: &str) -> Result<(), Problem> {
    let mut tx = db.begin().await?;
    let written = sqlx::query("insert into remark (tenant_id, id, note_id, text) select tenant_id, $2, id, $3 from note where id = $1")
        .bind(note)
        .bind(Uuid::now_v7())
        .bind(text)
        .execute(&mut *tx)
        .await;
    if written?.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    Ok(tx.commit().await?)
}

async fn remove(
    can: Can<NoteWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Path(id): Path<NoteId>,
) -> Result<NoContent, Problem> {
    note_remove(can.standing(), &db, &state, id).await
}

async fn remove_by_anybody(
    standing: Standing,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Path(id): Path<NoteId>,
) -> Result<NoContent, Problem> {
    note_remove(&standing, &db, &state, id).await
}

async fn note_remove(standing: &Standing, db: &TenantDb, state: &State, id: NoteId) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    let removed = sqlx::query("delete from note where id = $1").bind(id).execute(&mut *tx).await?;
    if removed.rows_affected() == 0 {
        return Err(Problem::not_found());
    }
    tx.commit().await?;
    state.forget(&state.key(standing, id));
    Ok(NoContent)
}
