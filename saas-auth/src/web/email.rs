use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{
    Accepted, CurrentUser, Form, FormErrors, Json, NoContent, Origin, Page, Problem, Query, Routes, SignedIn, Token, Validate,
    pages::Locale,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{profile, see, visitor::Visitor};
use crate::{
    Auth, EmailChange, EmailChangeError, RecentProof,
    account::{
        Confirmed, LinkState, NewEmail, Side, email_change_confirm, email_change_link, email_change_refuse, email_change_start,
        email_change_stop, email_change_waiting,
    },
};

const PAGE: &str = "auth/email_change.html";

/// Its fields are checked where they are used.
impl Validate for NewEmail {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/account/email", submit)
        .post("/account/email/stop", submit_stop)
        .get("/account/email/confirm", show)
        .post("/account/email/confirm", submit_confirm)
        .post("/account/email/refuse", submit_refuse)
        .get("/api/v1/me/email", read)
        .about("Says the address of the person who is signed in, and the one that is to take its place")
        .put("/api/v1/me/email", start)
        .about("Mails a link to the new address and one to the old; when both were used, the address changes")
        .delete("/api/v1/me/email/change", stop)
        .about("Gives up a change of address")
        .post("/api/v1/me/email/confirm", confirm)
        .about("Confirms a change of address with the token from one of its mails")
        .post("/api/v1/me/email/refuse", refuse)
        .about("Stops a change of address with the token from one of its mails")
}

/// The address that somebody has, and the one that they want.
#[derive(Debug, Serialize, ToSchema)]
struct AccountEmail {
    email: String,
    /// Whether they have shown that it is theirs.
    verified: bool,
    /// What waits to be confirmed.
    change: Option<EmailChange>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    /// The token from the mail.
    token: String,
}

impl Validate for LinkBody {}

/// How far a change has come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Progress {
    /// The other side has not confirmed yet.
    Waiting,
    /// The address is the new one.
    Changed,
}

#[derive(Debug, Serialize, ToSchema)]
struct Outcome {
    state: Progress,
}

async fn submit(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    locale: Locale,
    origin: Origin,
    page: Page,
    Form(wanted): Form<NewEmail>,
) -> Result<Response, Problem> {
    let (status, errors) = match email_change_start(&auth, origin, &me, &wanted, &auth.letters(locale, None)).await {
        Ok(_) => return Ok(see("/account?done=email")),
        Err(EmailChangeError::Refused(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors()),
        Err(EmailChangeError::Unverified) => (StatusCode::FORBIDDEN, FormErrors::default()),
        Err(error) => return Err(error.into()),
    };
    Ok((status, profile::with_email_form(&auth, &me, &page, &wanted.email, errors).await?).into_response())
}

async fn submit_stop(State(auth): State<Auth>, CurrentUser(me): CurrentUser, origin: Origin) -> Result<Response, Problem> {
    email_change_stop(&auth, origin, &me).await?;
    Ok(see("/account"))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
struct Link {
    token: Option<String>,
    /// Whether the address has just been changed.
    #[serde(default)]
    done: bool,
}

/// Programs that scan mail follow links, so this changes nothing: it shows a button.
async fn show(State(auth): State<Auth>, Visitor(visitor): Visitor, Query(link): Query<Link>, page: Page) -> Result<Response, Problem> {
    if link.done {
        let state = if visitor.is_some() { "changed" } else { "changed-elsewhere" };
        return outcome(&page, StatusCode::OK, state, Side::New);
    }
    let text = link.token.unwrap_or_default();
    match email_change_link(&auth, Token::parse(&text).as_ref()).await? {
        LinkState::Ready { side, email } => {
            Ok(page.render(PAGE, json!({ "state": "ready", "side": side, "token": text, "email": email }))?.into_response())
        }
        LinkState::Expired => outcome(&page, StatusCode::GONE, "expired", Side::New),
    }
}

async fn submit_confirm(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    locale: Locale,
    origin: Origin,
    page: Page,
    Form(link): Form<LinkBody>,
) -> Result<Response, Problem> {
    let letters = auth.letters(locale, None);
    let confirmed = match Token::parse(&link.token) {
        Some(token) => email_change_confirm(&auth, origin, &token, visitor.map(|it| it.session), &letters).await,
        None => Err(EmailChangeError::Expired),
    };
    match confirmed {
        Ok(Confirmed::Half(side)) => outcome(&page, StatusCode::OK, "half", side),
        // The page's own head would still show the old address.
        Ok(Confirmed::Changed) => Ok(see("/account/email/confirm?done=true")),
        Err(EmailChangeError::Expired) => outcome(&page, StatusCode::GONE, "expired", Side::New),
        Err(error) => Err(error.into()),
    }
}

async fn submit_refuse(State(auth): State<Auth>, origin: Origin, page: Page, Form(link): Form<LinkBody>) -> Result<Response, Problem> {
    let refused = match Token::parse(&link.token) {
        Some(token) => email_change_refuse(&auth, origin, &token).await,
        None => Err(EmailChangeError::Expired),
    };
    match refused {
        Ok(side) => outcome(&page, StatusCode::OK, "refused", side),
        Err(EmailChangeError::Expired) => outcome(&page, StatusCode::GONE, "expired", Side::New),
        Err(error) => Err(error.into()),
    }
}

fn outcome(page: &Page, status: StatusCode, state: &str, side: Side) -> Result<Response, Problem> {
    let context = json!({ "state": state, "side": side, "token": null, "email": null });
    Ok((status, page.render(PAGE, context)?).into_response())
}

async fn read(State(auth): State<Auth>, CurrentUser(me): CurrentUser) -> Result<Json<AccountEmail>, Problem> {
    let change = email_change_waiting(&auth, &me).await?;
    let SignedIn { email, verified, .. } = &*me;
    Ok(Json(AccountEmail { email: email.clone(), verified: *verified, change }))
}

/// 202 whether or not the new address has an account already.
async fn start(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    locale: Locale,
    origin: Origin,
    Json(wanted): Json<NewEmail>,
) -> Result<Accepted<EmailChange>, Problem> {
    Ok(Accepted(email_change_start(&auth, origin, &me, &wanted, &auth.letters(locale, None)).await?))
}

async fn stop(State(auth): State<Auth>, CurrentUser(me): CurrentUser, origin: Origin) -> Result<NoContent, Problem> {
    email_change_stop(&auth, origin, &me).await?;
    Ok(NoContent)
}

async fn confirm(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    locale: Locale,
    origin: Origin,
    Json(body): Json<LinkBody>,
) -> Result<Json<Outcome>, Problem> {
    let token = Token::parse(&body.token).ok_or(EmailChangeError::Expired)?;
    let at_hand = visitor.map(|it| it.session);
    let state = match email_change_confirm(&auth, origin, &token, at_hand, &auth.letters(locale, None)).await? {
        Confirmed::Half(_) => Progress::Waiting,
        Confirmed::Changed => Progress::Changed,
    };
    Ok(Json(Outcome { state }))
}

async fn refuse(State(auth): State<Auth>, origin: Origin, Json(body): Json<LinkBody>) -> Result<NoContent, Problem> {
    let token = Token::parse(&body.token).ok_or(EmailChangeError::Expired)?;
    email_change_refuse(&auth, origin, &token).await?;
    Ok(NoContent)
}
