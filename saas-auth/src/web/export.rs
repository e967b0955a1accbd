use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use saas_core::{Accepted, CurrentUser, Download, Form, Json, Origin, Page, Path, Problem, Query, Routes, Token, Validate};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{data, leaving::Leaver, see};
use crate::{
    Auth, DataExportError,
    account::{DataExport, ExportId, ExportKey, ExportWanted, export_ask, export_ask_leaving, export_is_there, export_list, export_read},
};

/// Its field is checked where it is used.
impl Validate for ExportWanted {}

#[derive(Debug, Default, Deserialize, ToSchema)]
struct Link {
    token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkForm {
    token: String,
}

/// An export that is on its way.
#[derive(Debug, Serialize, ToSchema)]
struct Asked {
    id: ExportId,
}

#[derive(Debug, Serialize, ToSchema)]
struct Exports {
    exports: Vec<DataExport>,
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/account/export", submit)
        .get("/account/export", show_link)
        .post("/account/export/file", submit_link)
        .post("/account/exports/{id}/file", file)
        .post("/account/leaving/export", submit_leaving)
        .get("/api/v1/me/exports", list)
        .about("Lists the exports of the data of the person who is signed in")
        .post("/api/v1/me/exports", ask)
        .about("Has all that is kept of the person who is signed in packed, and mails them a link to it")
        .post("/api/v1/me/exports/{id}/file", file)
        .about("Gives an export, a zip archive of JSON and CSV files, and records that it was taken")
}

async fn submit(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    page: Page,
    Form(wanted): Form<ExportWanted>,
) -> Result<Response, Problem> {
    match export_ask(&auth, origin, &me, &wanted).await {
        Ok(_) => Ok(see("/account/data?done=export")),
        Err(error) => data::with_export_error(&auth, &me, &page, error).await,
    }
}

/// Programs that scan mail follow links, so this gives nothing: it shows a button.
async fn show_link(State(auth): State<Auth>, Query(link): Query<Link>, page: Page) -> Result<Response, Problem> {
    let text = link.token.unwrap_or_default();
    let is_there = match Token::parse(&text) {
        Some(token) => export_is_there(&auth, &token).await?,
        None => false,
    };
    outcome(&page, is_there.then_some(&text))
}

async fn submit_link(State(auth): State<Auth>, origin: Origin, page: Page, Form(link): Form<LinkForm>) -> Result<Response, Problem> {
    let archive = match Token::parse(&link.token) {
        Some(token) => export_read(&auth, origin, ExportKey::Link(&token)).await?,
        None => None,
    };
    match archive {
        Some(archive) => Ok(zip(archive)),
        None => outcome(&page, None),
    }
}

async fn submit_leaving(State(auth): State<Auth>, Leaver(leaver): Leaver, origin: Origin, page: Page) -> Result<Response, Problem> {
    let Some(leaving) = leaver else { return Ok(see("/sign-in")) };
    match export_ask_leaving(&auth, origin, leaving.user).await {
        Ok(_) | Err(DataExportError::Throttled { .. }) => super::leaving::render(&page, &leaving, true),
        Err(error) => Err(error.into()),
    }
}

async fn file(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Path(id): Path<ExportId>,
) -> Result<Download, Problem> {
    let archive = export_read(&auth, origin, ExportKey::Own(id, me.user)).await?.ok_or_else(Problem::not_found)?;
    Ok(Download(zip(archive)))
}

async fn list(State(auth): State<Auth>, CurrentUser(me): CurrentUser) -> Result<Json<Exports>, Problem> {
    Ok(Json(Exports { exports: export_list(&auth, &me).await? }))
}

async fn ask(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Json(wanted): Json<ExportWanted>,
) -> Result<Accepted<Asked>, Problem> {
    Ok(Accepted(Asked { id: export_ask(&auth, origin, &me, &wanted).await? }))
}

fn zip(archive: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"data.zip\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from(archive)).into_response()
}

fn outcome(page: &Page, token: Option<&String>) -> Result<Response, Problem> {
    let status = if token.is_some() { StatusCode::OK } else { StatusCode::GONE };
    Ok((status, page.render("auth/export.html", json!({ "token": token }))?).into_response())
}
