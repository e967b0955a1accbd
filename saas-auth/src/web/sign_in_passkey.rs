//! Signing in with a passkey. The script asks the browser for it and sends the form; programs do the same.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use saas_core::{Form, FormErrors, Json, Origin, Page, Problem, ProblemType, Routes, Validate};
use serde::Deserialize;
use utoipa::ToSchema;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{
    entry::{entered, entered_program},
    me::Me,
    passkeys::{ChallengeToken, PasskeyChallenge},
    sign_in::{Shown, Told},
    visitor::{Language, Visitor},
};
use crate::{
    Auth, PasskeyError,
    passkey::{Answered, passkey_sign_in, passkey_sign_in_begin},
    session::DeviceCookies,
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/sign-in/passkey", submit)
        .post("/api/v1/auth/passkeys/challenge", ask)
        .about("Says what to ask a browser for whose person wants to sign in with a passkey, and sets the cookie that must come with the answer")
        .post("/api/v1/auth/sign-in/passkey", sign_in)
        .about("Signs in with a passkey, for which no address is needed, and sets the session's cookie")
}

async fn ask(State(auth): State<Auth>) -> Result<(HeaderMap, Json<PasskeyChallenge>), Problem> {
    PasskeyChallenge::of(&auth, passkey_sign_in_begin(&auth).await?.map(|options| options.public_key))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PasskeyForm {
    /// What the browser answered, as the script wrote it.
    credential: String,
    /// A box that is not ticked is not sent.
    remember: Option<String>,
    next: Option<String>,
}

async fn submit(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    ChallengeToken(token): ChallengeToken,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<PasskeyForm>,
) -> Result<Response, Problem> {
    let (next, remember) = (auth.local_path(form.next.as_deref()), form.remember.is_some());
    let (status, text) = match serde_json::from_str(&form.credential) {
        Ok(credential) => {
            let answered = Answered { origin, token, credential: &credential };
            let letters = auth.letters(page.locale(), None);
            match passkey_sign_in(&auth, answered, remember, visitor.map(|it| it.session), &letters).await {
                Ok(entry) => return entered(&auth, &entry, next.as_deref(), &cookies),
                Err(PasskeyError::Wrong) => (StatusCode::UNAUTHORIZED, "auth-passkey-error-sign-in"),
                Err(PasskeyError::Expired) => (StatusCode::UNAUTHORIZED, "auth-passkey-error-expired"),
                Err(error) => return Err(error.into()),
            }
        }
        // No browser writes this.
        Err(_) => (StatusCode::UNPROCESSABLE_ENTITY, "auth-passkey-error-sign-in"),
    };
    let told = Told::because(status, FormErrors::whole(text));
    let shown = Shown { next: next.as_deref(), remember, ..Shown::default() };
    Ok(told.answer(shown.render(&auth, &page, &told.errors)?))
}

/// What a browser answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeySignIn {
    /// The answer, as `PublicKeyCredential.toJSON` writes it.
    #[schema(value_type = Object)]
    credential: PublicKeyCredential,
    /// Whether the session outlives the browser.
    #[serde(default)]
    remember: bool,
}

/// It is checked by the library.
impl Validate for PasskeySignIn {}

async fn sign_in(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    ChallengeToken(token): ChallengeToken,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<PasskeySignIn>,
) -> Result<(HeaderMap, Json<Me>), Problem> {
    let answered = Answered { origin, token, credential: &body.credential };
    let entry = passkey_sign_in(&auth, answered, body.remember, visitor.map(|it| it.session), &auth.letters(locale, None)).await;
    let entry = entry.map_err(|error| match error {
        PasskeyError::Wrong => Problem::new(&ProblemType::UNAUTHENTICATED).detail("The passkey opens no account here."),
        PasskeyError::Expired => {
            Problem::new(&ProblemType::UNAUTHENTICATED).detail("Nothing waits for this answer: it took too long, or was given already.")
        }
        error => error.into(),
    })?;
    entered_program(&auth, &entry, &cookies).await
}
