use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue};
use saas_core::{Accepted, Form, FormErrors, Html, Json, Origin, Page, Problem, Routes, Secret, SessionId, Token, Validate, pages::Locale};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    address::Address,
    asking::Asking,
    entry::{entered_program, set},
    me::Me,
    sign_in::{Shown, Told},
    sign_in_link::arrived,
    sign_up::MailSent,
    visitor::{Language, Visitor},
    with_cookies,
};
use crate::{
    Auth, Email, SignInError,
    account::{Arrived, MailWanted, Mailed, MailedCode, MailedSignIn, SIGN_IN_LIFETIME, account_mail_link, account_sign_in_by_mail},
    refused::{self, Refusal, Refused},
    session::DeviceCookies,
};

/// The form to sign in with, sent by its other button.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AskForm {
    email: String,
    #[serde(rename = "password")]
    _password: Option<IgnoredAny>,
    remember: Option<String>,
    next: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CodeForm {
    email: String,
    code: String,
    password: Secret,
    remember: Option<String>,
    next: Option<String>,
}

/// The code of a mail, sent by the browser that asked for it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MailedCodeBody {
    /// The address of the account.
    #[serde(default)]
    #[schema(required = true)]
    email: String,
    /// The eight digits.
    #[serde(default)]
    #[schema(required = true)]
    code: String,
    /// The password, where the mail alone is not enough.
    #[serde(default)]
    password: Secret,
    /// Whether to stay signed in for 30 days, rather than 24 hours or until the browser is closed.
    #[serde(default)]
    remember: bool,
}

/// Its fields are checked where they are used.
impl Validate for MailedCodeBody {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/sign-in/mail", submit_mail)
        .post("/sign-in/code", submit_code)
        .post("/api/v1/auth/sign-in/mail", mail)
        .about("Mails a link to sign in with, and a code that works together with the cookie that is set")
        .post("/api/v1/auth/sign-in/code", code)
        .about("Signs in with the code of a mail and sets the session's cookie")
}

async fn submit_mail(
    State(auth): State<Auth>,
    Language(locale): Language,
    asking: Asking,
    origin: Origin,
    page: Page,
    Form(form): Form<AskForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let remember = form.remember.is_some();
    match refused::email(&form.email) {
        Ok(email) => {
            let sent = Sent { email: email.as_str(), next: next.as_deref(), remember };
            let html = sent.render(&auth, &page, &FormErrors::default())?;
            Ok(with_cookies(html.into_response(), [ask(&auth, asking, origin, email.clone(), next.clone(), locale)?]))
        }
        Err(refusal) => {
            let shown = Shown { next: next.as_deref(), email: &form.email, remember, throttled: false };
            let told = Told::of(SignInError::Refused(Refused::of("email", refusal)), "")?;
            Ok(told.answer(shown.render(&auth, &page, &told.errors)?))
        }
    }
}

async fn submit_code(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    asking: Asking,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let body = MailedCodeBody { email: form.email, code: form.code, password: form.password, remember: form.remember.is_some() };
    let told = match enter(&auth, &body, asking, &origin, visitor.map(|it| it.session), page.locale()).await {
        Ok(came) => return arrived(&auth, &came, next.as_deref(), &cookies),
        Err(error) => Told::of(error, "auth-error-code-throttled")?,
    };
    let sent = Sent { email: &body.email, next: next.as_deref(), remember: body.remember };
    Ok(told.answer(sent.render(&auth, &page, &told.errors)?))
}

/// 202 whether or not there is an account.
async fn mail(
    State(auth): State<Auth>,
    Language(locale): Language,
    asking: Asking,
    origin: Origin,
    Json(body): Json<Address>,
) -> Result<(HeaderMap, Accepted<MailSent>), Problem> {
    let email = body.check()?;
    let sent = MailSent { email: email.as_str().to_owned() };
    Ok((set([ask(&auth, asking, origin, email, None, locale)?]), Accepted(sent)))
}

async fn code(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    Language(locale): Language,
    asking: Asking,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<MailedCodeBody>,
) -> Result<(HeaderMap, Json<Me>), Problem> {
    let Arrived { entry, .. } = enter(&auth, &body, asking, &origin, visitor.map(|it| it.session), locale).await?;
    entered_program(&auth, &entry, &cookies).await
}

/// A mail is on its way: its code is asked for.
struct Sent<'a> {
    email: &'a str,
    next: Option<&'a str>,
    remember: bool,
}

impl Sent<'_> {
    fn render(&self, auth: &Auth, page: &Page, errors: &FormErrors) -> Result<Html, Problem> {
        let context = json!({
            "email": self.email,
            "next": self.next,
            "remember": self.remember,
            "by_mail": auth.signs_in_by_mail(),
            "form": page.form(&[], errors),
        });
        page.render("auth/sign_in_sent.html", context)
    }
}

/// Has a mail sent, and gives the cookie with which its code works. A browser that asks again keeps the one that it has: perhaps no second mail is
/// sent, and the code of the first still works.
fn ask(
    auth: &Auth,
    Asking(browser): Asking,
    origin: Origin,
    email: Email,
    next: Option<String>,
    locale: Locale,
) -> Result<HeaderValue, Problem> {
    let browser = browser.unwrap_or_else(Token::generate);
    let cookie = auth.asking().set(&browser, Some(SIGN_IN_LIFETIME))?;
    account_mail_link(auth, MailWanted::SignIn { browser }, origin, email, auth.letters(locale, next));
    Ok(cookie)
}

async fn enter(
    auth: &Auth,
    body: &MailedCodeBody,
    Asking(browser): Asking,
    origin: &Origin,
    old: Option<SessionId>,
    locale: Locale,
) -> Result<Arrived, SignInError> {
    let mut refused = Refused::default();
    let email = refused.take("email", refused::email(&body.email));
    let code = refused.take("code", MailedCode::parse(&body.code).ok_or(Refusal::Code));
    let (Some(email), Some(code)) = (email, code) else { return Err(SignInError::Refused(refused)) };
    // Whoever asked for nothing here has nothing that could be right.
    let browser = browser.ok_or(SignInError::Mail)?;
    let shown = Mailed::Code { code: &code, email: &email, browser: &browser };
    let sign_in = MailedSignIn { shown, password: &body.password, remember: body.remember };
    account_sign_in_by_mail(auth, sign_in, origin, old, &auth.letters(locale, None)).await
}
