use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use saas_core::{Accepted, Form, FormErrors, Html, Json, Origin, Page, Problem, Query, Routes, Secret, Token, Validate};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    address::Address,
    entry::{entered, entered_program},
    me::Me,
    see,
    sign_up::MailSent,
    visitor::{Language, Visitor},
};
use crate::{
    Auth, Credentials, SignInError,
    account::{BoundToken, account_mail_link, account_sign_in, bound_token_holder},
    attempt::seconds,
    session::DeviceCookies,
};

#[derive(Default, Deserialize, ToSchema)]
struct Way {
    next: Option<String>,
    link: Option<String>,
    /// Whether somebody who is signed in wants to sign in again, to have shown who they are.
    #[serde(default)]
    again: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SignInForm {
    email: String,
    password: Secret,
    /// A box that is not ticked is not sent.
    remember: Option<String>,
    next: Option<String>,
    link: Option<Secret>,
}

/// Its fields are checked where they are used.
impl Validate for Credentials {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sign-in", show)
        .post("/sign-in", submit)
        .post("/sign-in/link", submit_link)
        .post("/api/v1/auth/sign-in", sign_in)
        .about("Signs in and sets the session's cookie")
        .post("/api/v1/auth/sign-in/link", link)
        .about("Mails a link with which the right password is taken, however many wrong ones were tried")
}

/// A form as it is shown.
#[derive(Clone, Copy, Default)]
struct Shown<'a> {
    next: Option<&'a str>,
    email: &'a str,
    remember: bool,
    link: Option<&'a str>,
    throttled: bool,
}

impl Shown<'_> {
    fn render(self, page: &Page, errors: &FormErrors) -> Result<Html, Problem> {
        let form = page.form(&[("email", self.email), ("remember", if self.remember { "true" } else { "" })], errors);
        page.render("auth/sign_in.html", json!({ "next": self.next, "link": self.link, "throttled": self.throttled, "form": form }))
    }
}

async fn show(State(auth): State<Auth>, Visitor(visitor): Visitor, Query(query): Query<Way>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(query.next.as_deref());
    if visitor.is_some() && !query.again {
        return Ok(see(next.as_deref().unwrap_or(auth.home())));
    }
    let shown = Shown { next: next.as_deref(), ..Shown::default() };
    let Some(text) = query.link else { return Ok(shown.render(&page, &FormErrors::default())?.into_response()) };
    match bound_token_holder(&auth, BoundToken::SignIn, Token::parse(&text).as_ref()).await? {
        Some(holder) if holder.is_ready => {
            let shown = Shown { email: &holder.email, link: Some(&text), ..shown };
            Ok(shown.render(&page, &FormErrors::default())?.into_response())
        }
        _ => Ok((StatusCode::GONE, shown.render(&page, &FormErrors::whole("auth-error-link"))?).into_response()),
    }
}

async fn submit(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<SignInForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let credentials = Credentials { email: form.email, password: form.password, remember: form.remember.is_some(), link: form.link };
    let shown = Shown {
        next: next.as_deref(),
        email: &credentials.email,
        remember: credentials.remember,
        link: credentials.link.as_ref().map(Secret::expose),
        throttled: false,
    };
    let (status, errors) = match account_sign_in(&auth, &credentials, &origin, visitor.map(|it| it.session), &cookies).await {
        Ok(entry) => return entered(&auth, &entry, next.as_deref(), &cookies),
        Err(SignInError::Refused(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors()),
        Err(SignInError::Wrong) => (StatusCode::UNAUTHORIZED, FormErrors::whole("auth-error-credentials")),
        Err(SignInError::Throttled { wait }) => {
            let html = Shown { throttled: true, link: None, ..shown }.render(&page, &FormErrors::whole("auth-error-throttled"))?;
            let after = HeaderValue::from(seconds(wait));
            return Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, after)], html).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    Ok((status, shown.render(&page, &errors)?).into_response())
}

async fn submit_link(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    page: Page,
    Form(form): Form<Address>,
) -> Result<Response, Problem> {
    match form.check() {
        Ok(email) => {
            let sent = page.render("auth/sign_in_sent.html", json!({ "email": email.as_str() }))?;
            account_mail_link(&auth, BoundToken::SignIn, origin, email, auth.letters(locale, None));
            Ok(sent.into_response())
        }
        Err(refused) => {
            let shown = Shown { email: form.text(), ..Shown::default() };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown.render(&page, &refused.form_errors())?).into_response())
        }
    }
}

async fn sign_in(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    cookies: DeviceCookies,
    origin: Origin,
    Json(credentials): Json<Credentials>,
) -> Result<(HeaderMap, Json<Me>), Problem> {
    let entry = account_sign_in(&auth, &credentials, &origin, visitor.map(|it| it.session), &cookies).await?;
    entered_program(&auth, &entry, &cookies).await
}

/// 202 whether or not there is an account.
async fn link(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    Json(body): Json<Address>,
) -> Result<Accepted<MailSent>, Problem> {
    let email = body.check()?;
    let sent = MailSent { email: email.as_str().to_owned() };
    account_mail_link(&auth, BoundToken::SignIn, origin, email, auth.letters(locale, None));
    Ok(Accepted(sent))
}
