use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{Accepted, FieldError, Form, FormErrors, Json, NoContent, Origin, Page, Problem, Query, Routes, Secret, Token, Validate};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    entry::entered,
    see,
    sign_up::MailSent,
    visitor::{Language, Visitor},
};
use crate::{
    Auth, VerifyError,
    account::{TokenState, VerifyPassword, account_resend, account_verify, account_verify_and_sign_in, email_token_state},
    refused::{self, Refused},
    session::DeviceCookies,
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
    password: Option<Secret>,
    new_password: Option<Secret>,
}

/// Exactly one of the passwords is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VerifyBody {
    /// The token from the mail.
    token: String,
    /// The password that was chosen at sign-up.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
    /// Another password in place of the one that was chosen, which is forgotten with all its sessions.
    #[schema(value_type = Option<String>)]
    new_password: Option<Secret>,
}

/// What was sent beside the token. Neither is an empty one: its field says that it is missing.
fn shown(password: Option<Secret>, new_password: Option<Secret>) -> VerifyPassword {
    match (password, new_password) {
        (None, Some(new)) => VerifyPassword::New(new),
        (chosen, _) => VerifyPassword::Chosen(chosen.unwrap_or_default()),
    }
}

impl Validate for VerifyBody {
    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if Token::parse(&self.token).is_none() {
            errors.push(FieldError::new("/token", "is no token"));
        }
        match (&self.password, &self.new_password) {
            (None, None) => errors.push(FieldError::new("/password", "is missing, as is a new one")),
            (Some(_), Some(_)) => errors.push(FieldError::new("/new_password", "must not come with the chosen one")),
            _ => {}
        }
        errors
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
        TokenState::Ready { email } => {
            Ok(page.render(PAGE, ready(&auth, &page, (&text, &email), next.as_deref(), &FormErrors::default()))?.into_response())
        }
        TokenState::Confirmed => confirmed(&page, next.as_deref()),
        TokenState::Expired { email } => expired(&page, StatusCode::GONE, email.as_deref(), &FormErrors::default(), next.as_deref()),
    }
}

async fn submit(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<VerifyForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let password = shown(form.password, form.new_password);
    let token = Token::parse(&form.token);
    let verified = match &token {
        Some(token) => {
            let (old, letters) = (visitor.map(|it| it.session), auth.letters(page.locale(), None));
            account_verify_and_sign_in(&auth, origin, token, &password, old, &letters).await
        }
        None => Err(VerifyError::Expired),
    };
    let refused = match verified {
        Ok(entry) => return entered(&auth, &entry, Some(next.as_deref().unwrap_or(auth.welcome())), &cookies),
        Err(VerifyError::Expired) => Refused::default(),
        Err(VerifyError::Refused(refused)) => refused,
        Err(error) => return Err(error.into()),
    };
    match email_token_state(&auth, token.as_ref()).await? {
        TokenState::Ready { email } => {
            page.refuse(PAGE, ready(&auth, &page, (&form.token, &email), next.as_deref(), &refused.form_errors()))
        }
        TokenState::Confirmed => confirmed(&page, next.as_deref()),
        TokenState::Expired { email } => expired(&page, StatusCode::GONE, email.as_deref(), &FormErrors::default(), next.as_deref()),
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

async fn verify(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    Json(body): Json<VerifyBody>,
) -> Result<NoContent, Problem> {
    let token = Token::parse(&body.token).ok_or(VerifyError::Expired)?;
    account_verify(&auth, origin, &token, &shown(body.password, body.new_password), &auth.letters(locale, None)).await?;
    Ok(NoContent)
}

/// 202 whether or not there is an account that waits for a link.
async fn resend(State(auth): State<Auth>, Language(locale): Language, Json(body): Json<Resend>) -> Result<Accepted<MailSent>, Problem> {
    let email = body.check()?;
    let sent = MailSent { email: email.as_str().to_owned() };
    account_resend(&auth, email, auth.letters(locale, None));
    Ok(Accepted(sent))
}

fn ready(auth: &Auth, page: &Page, (token, email): (&str, &str), next: Option<&str>, errors: &FormErrors) -> Value {
    let (form, minimum) = (page.form(&[], errors), auth.policy().minimum());
    json!({ "state": "ready", "token": token, "email": email, "next": next, "minimum": minimum, "form": form })
}

/// Whoever opens a link again that they have used already: nothing is wrong, and there is nothing to send again.
fn confirmed(page: &Page, next: Option<&str>) -> Result<Response, Problem> {
    let context =
        json!({ "state": "confirmed", "token": null, "email": null, "next": next, "form": page.form(&[], &FormErrors::default()) });
    Ok((StatusCode::GONE, page.render(PAGE, context)?).into_response())
}

fn expired(page: &Page, status: StatusCode, email: Option<&str>, errors: &FormErrors, next: Option<&str>) -> Result<Response, Problem> {
    let context = json!({ "state": "expired", "token": null, "email": email, "next": next, "form": page.form(&[], errors) });
    Ok((status, page.render(PAGE, context)?).into_response())
}
