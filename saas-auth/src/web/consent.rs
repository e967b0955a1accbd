use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use saas_core::{CurrentUser, Form, Json, NoContent, Origin, Page, Path, Problem, Query, Routes, Validate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Next, see};
use crate::{
    Auth, Document,
    account::{Consent, consent_list, consent_set, consents_give},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GiveForm {
    consents: Vec<String>,
    next: Option<String>,
}

/// What somebody says of a document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Say {
    /// The version that they have seen.
    version: String,
    /// Whether they agree, or take it back.
    given: bool,
}

impl Validate for Say {}

#[derive(Debug, Serialize, ToSchema)]
struct Consents {
    consents: Vec<Consent>,
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/account/consent", show)
        .post("/account/consent", submit)
        .post("/account/consents/{document}", submit_one)
        .get("/api/v1/me/consents", list)
        .about("Lists what people agree to, and what the person who is signed in said of it")
        .put("/api/v1/me/consents/{document}", set)
        .about("Agrees to a document in the version that was seen, or takes it back")
}

/// What is missing, if anything is; else the way on.
async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Query(query): Query<Next>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(query.next.as_deref());
    let consents = consent_list(&auth, &me).await?;
    let is_missing = |document: &&Document| consents.iter().any(|one| one.document == document.name && one.required && !one.holds);
    let missing: Vec<Value> = auth.documents().iter().filter(is_missing).map(|document| shown(document, &page)).collect();
    if missing.is_empty() {
        return Ok(see(next.as_deref().unwrap_or(auth.home())));
    }
    Ok(page.render("auth/consent.html", json!({ "documents": missing, "next": next }))?.into_response())
}

async fn submit(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Form(form): Form<GiveForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    consents_give(&auth, origin, &me, &form.consents).await?;
    // If a document has changed since the page was shown, it is asked for once more.
    let next = next.as_deref().unwrap_or(auth.home());
    Ok(see(&format!("/account/consent?next={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>())))
}

async fn submit_one(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Path(document): Path<String>,
    Form(said): Form<Say>,
) -> Result<Response, Problem> {
    consent_set(&auth, origin, &me, &document, &said.version, said.given).await?;
    Ok(see("/account/data?done=consent"))
}

async fn list(State(auth): State<Auth>, CurrentUser(me): CurrentUser) -> Result<Json<Consents>, Problem> {
    Ok(Json(Consents { consents: consent_list(&auth, &me).await? }))
}

async fn set(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Path(document): Path<String>,
    Json(said): Json<Say>,
) -> Result<NoContent, Problem> {
    consent_set(&auth, origin, &me, &document, &said.version, said.given).await?;
    Ok(NoContent)
}

/// A document as pages show it.
pub(super) fn shown(document: &Document, page: &Page) -> Value {
    json!({
        "name": document.name,
        "version": document.version,
        "tag": document.tag(),
        "title": page.text(document.title),
        "path": document.path,
        "required": document.is_required,
    })
}
