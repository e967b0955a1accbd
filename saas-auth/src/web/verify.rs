use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{Accepted, FieldError, Form, FormErrors, Json, NoContent, Origin, Page, Problem, Query, Routes, Token, Validate};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    see,
    sign_up::MailSent,
    visitor::{Language, Visitor},
};
use crate::{
    Auth, VerifyError,
    account::{TokenState, account_resend, account_verify, email_token_state},
    refused::{self, Refused},
};

const PAGE: &str = "auth/verify.html";

#[derive(Default, Deserialize, ToSchema)]
struct Link {
    token: Option<String>,
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyForm {
    token: String,
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VerifyBody {
    token: String,
}

impl Validate for VerifyBody {
    fn validate(&self) -> Vec<FieldError> {
        let is_token = Token::parse(&self.token).is_some();
        if is_token { Vec::new() } else { vec![FieldError::new("/token", "is no token")] }
    }
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Resend {
    email: String,
}

impl Resend {
    fn check(&self) -> Result<crate::Email, Refused> {
        let mut refused = Refused::default();
        refused.take("email", refused::email(&self.email)).ok_or(refused)
    }
}

impl Validate for Resend {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/verify", show)
        .post("/verify", submit)
        .post("/verify/resend", submit_resend)
        .post("/api/v1/auth/verify", verify)
        .about("Confirms an address with the token from the mail")
        .post("/api/v1/auth/verify/resend", resend)
        .about("Mails another link, if there is an account that waits for one")
}

/// Programs that scan mail follow links, so this changes nothing: it shows a button.
async fn show(State(auth): State<Auth>, Visitor(visitor): Visitor, Query(link): Query<Link>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(link.next.as_deref());
    let Some(text) = link.token else {
        return match visitor {
            Some(me) if me.verified => Ok(see(next.as_deref().unwrap_or(auth.welcome()))),
            Some(me) => {
                let context = json!({ "email": me.email, "resent": false });
                Ok(page.render("auth/verify_sent.html", context)?.into_response())
            }
            None => expired(&page, StatusCode::OK, None, &FormErrors::default(), None),
        };
    };
    match email_token_state(&auth, Token::parse(&text).as_ref()).await? {
        TokenState::Ready => Ok(page.render(PAGE, state("ready", Some(&text), None, next.as_deref()))?.into_response()),
        TokenState::Expired { email } => expired(&page, StatusCode::GONE, email.as_deref(), &FormErrors::default(), next.as_deref()),
    }
}

async fn submit(State(auth): State<Auth>, origin: Origin, page: Page, Form(form): Form<VerifyForm>) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let token = Token::parse(&form.token);
    let verified = match &token {
        Some(token) => account_verify(&auth, origin, token).await,
        None => Err(VerifyError::Expired),
    };
    match verified {
        Ok(()) => {
            let next = next.as_deref().unwrap_or(auth.welcome());
            Ok(page.render(PAGE, state("done", None, None, Some(next)))?.into_response())
        }
        Err(VerifyError::Expired) => {
            let email = match email_token_state(&auth, token.as_ref()).await? {
                TokenState::Expired { email } => email,
                TokenState::Ready => None,
            };
            expired(&page, StatusCode::GONE, email.as_deref(), &FormErrors::default(), next.as_deref())
        }
        Err(error) => Err(error.into()),
    }
}

async fn submit_resend(
    State(auth): State<Auth>,
    Language(locale): Language,
    page: Page,
    Form(form): Form<Resend>,
) -> Result<Response, Problem> {
    match form.check() {
        Ok(email) => {
            let context = json!({ "email": email.as_str(), "resent": true });
            account_resend(&auth, email, auth.letters(locale, None));
            Ok(page.render("auth/verify_sent.html", context)?.into_response())
        }
        Err(refused) => expired(&page, StatusCode::UNPROCESSABLE_ENTITY, Some(&form.email), &refused.form_errors(), None),
    }
}

async fn verify(State(auth): State<Auth>, origin: Origin, Json(body): Json<VerifyBody>) -> Result<NoContent, Problem> {
    let token = Token::parse(&body.token).ok_or(VerifyError::Expired)?;
    account_verify(&auth, origin, &token).await?;
    Ok(NoContent)
}

/// 202 whether or not there is an account that waits for a link.
async fn resend(State(auth): State<Auth>, Language(locale): Language, Json(body): Json<Resend>) -> Result<Accepted<MailSent>, Problem> {
    let email = body.check()?;
    let sent = MailSent { email: email.as_str().to_owned() };
    account_resend(&auth, email, auth.letters(locale, None));
    Ok(Accepted(sent))
}

fn state(state: &str, token: Option<&str>, email: Option<&str>, next: Option<&str>) -> Value {
    json!({ "state": state, "token": token, "email": email, "next": next, "form": { "values": {}, "errors": {}, "error": null } })
}

fn expired(page: &Page, status: StatusCode, email: Option<&str>, errors: &FormErrors, next: Option<&str>) -> Result<Response, Problem> {
    let mut context = state("expired", None, email, next);
    context["form"] = json!(page.form(&[], errors));
    Ok((status, page.render(PAGE, context)?).into_response())
}
