use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use saas_core::{Accepted, FieldError, Form, FormErrors, Json, NoContent, Origin, Page, Problem, Query, Routes, Secret, Token, Validate};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    address::Address,
    entry::{known, set},
    sign_up::MailSent,
    visitor::Language,
    with_cookies,
};
use crate::{
    Auth, ResetError,
    account::{BoundToken, MailWanted, account_mail_link, account_reset, bound_token_holder},
    session::DeviceCookies,
};

const PAGE: &str = "auth/reset.html";

#[derive(Default, Deserialize, ToSchema)]
struct Link {
    token: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// The token from the mail.
    token: String,
    /// The password to have from now on.
    #[serde(default)]
    #[schema(required = true)]
    new_password: Secret,
}

impl Validate for Reset {
    fn validate(&self) -> Vec<FieldError> {
        let is_token = Token::parse(&self.token).is_some();
        if is_token { Vec::new() } else { vec![FieldError::new("/token", "is no token")] }
    }
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/reset", show)
        .post("/reset", submit)
        .post("/reset/password", submit_password)
        .post("/api/v1/auth/reset", request)
        .about("Mails a link to choose another password to whoever has an account, and says so in the mail to whoever has none")
        .post("/api/v1/auth/reset/password", reset)
        .about("Sets another password with the token from the mail, and ends all sessions")
}

/// Programs that scan mail follow links, so this changes nothing: it shows a form.
async fn show(State(auth): State<Auth>, Query(link): Query<Link>, page: Page) -> Result<Response, Problem> {
    match link.token {
        Some(token) => choose(&auth, &page, &token, StatusCode::OK, &FormErrors::default()).await,
        None => ask(&page, StatusCode::OK, ("ask", ""), &FormErrors::default()),
    }
}

async fn submit(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    page: Page,
    Form(form): Form<Address>,
) -> Result<Response, Problem> {
    match form.check() {
        Ok(email) => {
            let context = json!({ "state": "sent", "email": email.as_str(), "form": page.form(&[], &FormErrors::default()) });
            account_mail_link(&auth, MailWanted::Reset, origin, email, auth.letters(locale, None));
            Ok(page.render(PAGE, context)?.into_response())
        }
        Err(refused) => ask(&page, StatusCode::UNPROCESSABLE_ENTITY, ("ask", form.text()), &refused.form_errors()),
    }
}

async fn submit_password(
    State(auth): State<Auth>,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<Reset>,
) -> Result<Response, Problem> {
    let done = match Token::parse(&form.token) {
        Some(token) => account_reset(&auth, origin, &token, &form.new_password, &auth.letters(locale, None)).await,
        None => Err(ResetError::Expired),
    };
    match done {
        // Whoever read the mail is not to be caught by what others have tried: the browser is known from now on.
        Ok(user) => {
            let context = json!({ "state": "done", "form": page.form(&[], &FormErrors::default()) });
            Ok(with_cookies(page.render(PAGE, context)?.into_response(), [known(&auth, user, &cookies)?]))
        }
        Err(ResetError::Refused(refused)) => {
            choose(&auth, &page, &form.token, StatusCode::UNPROCESSABLE_ENTITY, &refused.form_errors()).await
        }
        Err(ResetError::Expired) => choose(&auth, &page, &form.token, StatusCode::OK, &FormErrors::default()).await,
        Err(error) => Err(error.into()),
    }
}

/// 202 whether or not there is an account.
async fn request(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    Json(body): Json<Address>,
) -> Result<Accepted<MailSent>, Problem> {
    let email = body.check()?;
    let sent = MailSent { email: email.as_str().to_owned() };
    account_mail_link(&auth, MailWanted::Reset, origin, email, auth.letters(locale, None));
    Ok(Accepted(sent))
}

async fn reset(
    State(auth): State<Auth>,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<Reset>,
) -> Result<(HeaderMap, NoContent), Problem> {
    let token = Token::parse(&body.token).ok_or(ResetError::Expired)?;
    let user = account_reset(&auth, origin, &token, &body.new_password, &auth.letters(locale, None)).await?;
    Ok((set([known(&auth, user, &cookies)?]), NoContent))
}

/// The form for another password, or, if the link does not work any more, the one for another link.
async fn choose(auth: &Auth, page: &Page, token: &str, status: StatusCode, errors: &FormErrors) -> Result<Response, Problem> {
    match bound_token_holder(auth, BoundToken::Reset, Token::parse(token).as_ref()).await? {
        Some(holder) if holder.is_ready => {
            let (form, minimum) = (page.form(&[], errors), auth.policy().minimum());
            let context = json!({ "state": "ready", "token": token, "email": holder.email, "minimum": minimum, "form": form });
            Ok((status, page.render(PAGE, context)?).into_response())
        }
        holder => {
            let email = holder.map(|holder| holder.email).unwrap_or_default();
            ask(page, StatusCode::GONE, ("expired", &email), &FormErrors::default())
        }
    }
}

fn ask(page: &Page, status: StatusCode, (state, email): (&str, &str), errors: &FormErrors) -> Result<Response, Problem> {
    let context = json!({ "state": state, "form": page.form(&[("email", email)], errors) });
    Ok((status, page.render(PAGE, context)?).into_response())
}
