use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use saas_core::{Form, FormErrors, Html, Json, Origin, Page, Problem, Query, Routes, Secret, Validate};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    entry::{entered, entered_program},
    me::Me,
    provider, see,
    visitor::Visitor,
};
use crate::{Auth, Credentials, SignInError, account::account_sign_in, attempt::seconds, session::DeviceCookies};

#[derive(Default, Deserialize, ToSchema)]
struct Way {
    next: Option<String>,
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
}

/// Its fields are checked where they are used.
impl Validate for Credentials {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sign-in", show)
        .post("/sign-in", submit)
        .post("/api/v1/auth/sign-in", sign_in)
        .about("Signs in and sets the session's cookie")
}

/// A form as it is shown.
#[derive(Clone, Copy, Default)]
pub(super) struct Shown<'a> {
    pub(super) next: Option<&'a str>,
    pub(super) email: &'a str,
    pub(super) remember: bool,
    pub(super) throttled: bool,
}

impl Shown<'_> {
    pub(super) fn render(self, auth: &Auth, page: &Page, errors: &FormErrors) -> Result<Html, Problem> {
        let form = page.form(&[("email", self.email), ("remember", if self.remember { "true" } else { "" })], errors);
        let (by_mail, providers) = (auth.signs_in_by_mail(), provider::offered(auth));
        let context = json!({
            "next": self.next, "by_mail": by_mail, "throttled": self.throttled, "form": form, "providers": providers,
            "passkey": auth.offers_passkeys(),
        });
        page.render("auth/sign_in.html", context)
    }
}

/// Why nobody was signed in, as a page says it.
pub(super) struct Told {
    status: StatusCode,
    pub(super) errors: FormErrors,
    wait: Option<Duration>,
}

impl Told {
    /// `throttled` is the text for whoever has to wait.
    pub(super) fn of(error: SignInError, throttled: &'static str) -> Result<Self, Problem> {
        let (status, errors, wait) = match error {
            SignInError::Refused(refused) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors(), None),
            SignInError::Wrong => (StatusCode::UNAUTHORIZED, FormErrors::whole("auth-error-credentials"), None),
            SignInError::Mail => (StatusCode::UNAUTHORIZED, FormErrors::whole("auth-error-link"), None),
            SignInError::Throttled { wait } => (StatusCode::TOO_MANY_REQUESTS, super::throttled(throttled, wait), Some(wait)),
            error => return Err(error.into()),
        };
        Ok(Self { status, errors, wait })
    }

    #[cfg(feature = "passkeys")]
    pub(super) const fn because(status: StatusCode, errors: FormErrors) -> Self {
        Self { status, errors, wait: None }
    }

    pub(super) const fn is_throttled(&self) -> bool {
        self.wait.is_some()
    }

    pub(super) fn answer(&self, html: Html) -> Response {
        let mut response = (self.status, html).into_response();
        if let Some(wait) = self.wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        response
    }
}

async fn show(State(auth): State<Auth>, Visitor(visitor): Visitor, Query(query): Query<Way>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(query.next.as_deref());
    if visitor.is_some() && !query.again {
        return Ok(see(next.as_deref().unwrap_or(auth.home())));
    }
    let shown = Shown { next: next.as_deref(), ..Shown::default() };
    Ok(shown.render(&auth, &page, &FormErrors::default())?.into_response())
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
    let credentials = Credentials { email: form.email, password: form.password, remember: form.remember.is_some() };
    let told = match account_sign_in(&auth, &credentials, &origin, visitor.map(|it| it.session), &cookies).await {
        Ok(entry) => return entered(&auth, &entry, next.as_deref(), &cookies),
        Err(error) => Told::of(error, "auth-error-throttled")?,
    };
    let Credentials { email, remember, .. } = &credentials;
    let shown = Shown { next: next.as_deref(), email, remember: *remember, throttled: told.is_throttled() };
    Ok(told.answer(shown.render(&auth, &page, &told.errors)?))
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
