use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use http::{HeaderValue, StatusCode, header};
use saas_core::{
    Accepted, CurrentUser, Form, FormErrors, Html, Json, Origin, Page, Problem, Query, Routes, SignedIn, Token, Validate, pages::Locale,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{sign_up::MailSent, throttled};
use crate::{
    Auth, DeletionError,
    account::{BoundToken, DeletionState, DeletionWanted, bound_token_holder, deletion_ask, deletion_confirm, deletion_state},
    attempt::seconds,
};

const PAGE: &str = "auth/deletion.html";

/// Its field is checked where it is used.
impl Validate for DeletionWanted {}

#[derive(Debug, Default, Deserialize, ToSchema)]
struct Link {
    token: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    /// The token from the mail.
    token: String,
}

impl Validate for LinkBody {}

/// An account that will be deleted.
#[derive(Debug, Serialize, ToSchema)]
struct Until {
    /// When. Until then, signing in leads to the way back.
    until: DateTime<Utc>,
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/account/deletion", show)
        .post("/account/deletion", submit)
        .get("/account/deletion/confirm", show_link)
        .post("/account/deletion/confirm", submit_link)
        .get("/api/v1/me/deletion", read)
        .about("Says what stands between the person who is signed in and the end of their account")
        .post("/api/v1/me/deletion", ask)
        .about("Mails a link with which the account is deleted after 30 days")
        .post("/api/v1/me/deletion/confirm", confirm)
        .about("Begins the 30 days with the token from the mail, and ends all sessions")
}

async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, page: Page) -> Result<Html, Problem> {
    ready(&auth, &me, &page, &FormErrors::default()).await
}

async fn submit(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    locale: Locale,
    origin: Origin,
    page: Page,
    Form(wanted): Form<DeletionWanted>,
) -> Result<Response, Problem> {
    let (status, errors, wait) = match deletion_ask(&auth, origin, &me, &wanted, &auth.letters(locale, None)).await {
        Ok(()) => return outcome(&page, StatusCode::OK, "sent", json!({ "email": me.email })),
        Err(DeletionError::Refused(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors(), None),
        Err(DeletionError::LastOwner(_)) => (StatusCode::CONFLICT, FormErrors::default(), None),
        Err(DeletionError::PasswordThrottled { wait }) => {
            (StatusCode::TOO_MANY_REQUESTS, throttled("auth-error-attempts", wait), Some(wait))
        }
        Err(DeletionError::Throttled { wait }) => (StatusCode::TOO_MANY_REQUESTS, throttled("auth-error-mails", wait), Some(wait)),
        Err(error) => return Err(error.into()),
    };
    let mut response = (status, ready(&auth, &me, &page, &errors).await?).into_response();
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    Ok(response)
}

/// Programs that scan mail follow links, so this changes nothing: it shows a button.
async fn show_link(State(auth): State<Auth>, Query(link): Query<Link>, page: Page) -> Result<Response, Problem> {
    let text = link.token.unwrap_or_default();
    match bound_token_holder(&auth, BoundToken::Deletion, Token::parse(&text).as_ref()).await? {
        Some(holder) if holder.is_ready => outcome(&page, StatusCode::OK, "confirm", json!({ "email": holder.email, "token": text })),
        _ => outcome(&page, StatusCode::GONE, "expired", json!({})),
    }
}

async fn submit_link(
    State(auth): State<Auth>,
    locale: Locale,
    origin: Origin,
    page: Page,
    Form(link): Form<LinkBody>,
) -> Result<Response, Problem> {
    let confirmed = match Token::parse(&link.token) {
        Some(token) => deletion_confirm(&auth, origin, &token, &auth.letters(locale, None)).await,
        None => Err(DeletionError::Expired),
    };
    match confirmed {
        Ok(until) => outcome(&page, StatusCode::OK, "begun", json!({ "until": until })),
        Err(DeletionError::Expired) => outcome(&page, StatusCode::GONE, "expired", json!({})),
        Err(DeletionError::LastOwner(organizations)) => {
            outcome(&page, StatusCode::CONFLICT, "owner", json!({ "last_owner_of": organizations }))
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(State(auth): State<Auth>, CurrentUser(me): CurrentUser) -> Result<Json<DeletionState>, Problem> {
    Ok(Json(deletion_state(&auth, &me).await?))
}

async fn ask(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    locale: Locale,
    origin: Origin,
    Json(wanted): Json<DeletionWanted>,
) -> Result<Accepted<MailSent>, Problem> {
    deletion_ask(&auth, origin, &me, &wanted, &auth.letters(locale, None)).await?;
    Ok(Accepted(MailSent { email: me.email.clone() }))
}

async fn confirm(State(auth): State<Auth>, locale: Locale, origin: Origin, Json(body): Json<LinkBody>) -> Result<Json<Until>, Problem> {
    let token = Token::parse(&body.token).ok_or(DeletionError::Expired)?;
    Ok(Json(Until { until: deletion_confirm(&auth, origin, &token, &auth.letters(locale, None)).await? }))
}

async fn ready(auth: &Auth, me: &SignedIn, page: &Page, errors: &FormErrors) -> Result<Html, Problem> {
    let DeletionState { has_password, last_owner_of } = deletion_state(auth, me).await?;
    let state = if last_owner_of.is_empty() { "ask" } else { "owner" };
    let context = json!({
        "state": state,
        "has_password": has_password,
        "last_owner_of": last_owner_of,
        "form": page.form(&[], errors),
    });
    page.render(PAGE, context)
}

fn outcome(page: &Page, status: StatusCode, state: &str, mut context: serde_json::Value) -> Result<Response, Problem> {
    context["state"] = state.into();
    context["form"] = json!(page.form(&[], &FormErrors::default()));
    Ok((status, page.render(PAGE, context)?).into_response())
}
