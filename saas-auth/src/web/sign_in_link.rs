use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use saas_core::{
    FieldError, Form, FormErrors, Json, Origin, Page, Problem, Query, Routes, Secret, SessionId, Token, Validate, pages::Locale,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    entry::{entered, entered_program},
    me::Me,
    sign_in::{Shown, Told},
    visitor::{Language, Visitor},
};
use crate::{
    Auth, SignInError,
    account::{Arrived, BoundToken, Mailed, MailedSignIn, account_sign_in_by_mail, bound_token_holder},
    session::DeviceCookies,
};

#[derive(Default, Deserialize, ToSchema)]
struct Link {
    token: Option<String>,
    next: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LinkForm {
    token: String,
    password: Secret,
    remember: Option<String>,
    next: Option<String>,
}

/// The link of a mail.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MailedLink {
    /// The token from the link.
    #[serde(default)]
    #[schema(required = true)]
    token: String,
    /// The password, where the mail alone is not enough.
    #[serde(default)]
    password: Secret,
    /// Whether to stay signed in for 30 days, rather than 24 hours or until the browser is closed.
    #[serde(default)]
    remember: bool,
}

impl Validate for MailedLink {
    fn validate(&self) -> Vec<FieldError> {
        let is_token = Token::parse(&self.token).is_some();
        if is_token { Vec::new() } else { vec![FieldError::new("/token", "is no token")] }
    }
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sign-in/link", show)
        .post("/sign-in/link", submit)
        .post("/api/v1/auth/sign-in/link", link)
        .about("Signs in with the link of a mail and sets the session's cookie")
}

/// Programs that scan mail follow links, so this changes nothing: it shows a button.
async fn show(State(auth): State<Auth>, Query(link): Query<Link>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(link.next.as_deref());
    let body = MailedLink { token: link.token.unwrap_or_default(), ..MailedLink::default() };
    match ready(&auth, &page, &body, next.as_deref(), &FormErrors::default()).await? {
        Some(context) => Ok(page.render("auth/sign_in_link.html", context)?.into_response()),
        None => expired(&auth, &page, next.as_deref()),
    }
}

async fn submit(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<LinkForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let body = MailedLink { token: form.token, password: form.password, remember: form.remember.is_some() };
    let told = match enter(&auth, &body, &origin, visitor.map(|it| it.session), page.locale()).await {
        Ok(came) => return arrived(&auth, &came, next.as_deref(), &cookies),
        Err(error) => Told::of(error, "auth-error-attempts")?,
    };
    match ready(&auth, &page, &body, next.as_deref(), &told.errors).await? {
        Some(context) => Ok(told.answer(page.render("auth/sign_in_link.html", context)?)),
        None => expired(&auth, &page, next.as_deref()),
    }
}

async fn link(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<MailedLink>,
) -> Result<(HeaderMap, Json<Me>), Problem> {
    let Arrived { entry, .. } = enter(&auth, &body, &origin, visitor.map(|it| it.session), locale).await?;
    entered_program(&auth, &entry, &cookies).await
}

/// To where somebody was going, or, if their address was confirmed just now, to where new people begin.
pub(super) fn arrived(auth: &Auth, came: &Arrived, next: Option<&str>, cookies: &DeviceCookies) -> Result<Response, Problem> {
    entered(auth, &came.entry, next.or(came.is_first.then(|| auth.welcome())), cookies)
}

async fn enter(auth: &Auth, body: &MailedLink, origin: &Origin, old: Option<SessionId>, locale: Locale) -> Result<Arrived, SignInError> {
    let token = Token::parse(&body.token).ok_or(SignInError::Mail)?;
    let sign_in = MailedSignIn { shown: Mailed::Link(&token), password: &body.password, remember: body.remember };
    account_sign_in_by_mail(auth, sign_in, origin, old, &auth.letters(locale, None)).await
}

/// What the page of a link shows, while it works.
async fn ready(auth: &Auth, page: &Page, body: &MailedLink, next: Option<&str>, errors: &FormErrors) -> Result<Option<Value>, Problem> {
    let holder = bound_token_holder(auth, BoundToken::SignIn, Token::parse(&body.token).as_ref()).await?;
    Ok(holder.filter(|holder| holder.is_ready).map(|holder| {
        json!({
            "token": body.token,
            "email": holder.email,
            "is_first": auth.signs_in_by_mail() && !holder.is_verified,
            "by_mail": auth.signs_in_by_mail(),
            "next": next,
            "form": page.form(&[("remember", if body.remember { "true" } else { "" })], errors),
        })
    }))
}

/// The way to another mail.
fn expired(auth: &Auth, page: &Page, next: Option<&str>) -> Result<Response, Problem> {
    let shown = Shown { next, ..Shown::default() };
    Ok((StatusCode::GONE, shown.render(auth, page, &FormErrors::whole("auth-error-link"))?).into_response())
}
