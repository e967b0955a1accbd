//! The passkeys of whoever is signed in: for programs here, for browsers in `pages.rs`.

mod pages;

use std::convert::Infallible;

use axum::extract::{FromRequestParts, State};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderMap, request::Parts};
use saas_core::{
    Created, CurrentUser, Declares, Json, List, Listed, NoContent, Order, OrderBy, Origin, Path, Problem, Routes, Token, Validate, Wanted,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

pub(super) use pages::on_page;

use super::{
    entry::{set, signed_in},
    visitor::Language,
};
use crate::{
    Auth, Passkey, PasskeyId, RecentProof,
    passkey::{Answered, Asked, passkey_list, passkey_register, passkey_register_begin, passkey_remove, passkey_rename},
    session::DeviceCookies,
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/api/v1/me/passkeys", list)
        .about("Lists the passkeys of the person who is signed in")
        .post("/api/v1/me/passkeys/challenge", ask)
        .about("Says what to ask a browser for that is to make a passkey, and sets the cookie that must come with the answer")
        .post("/api/v1/me/passkeys", register)
        .about("Registers the passkey that a browser made, and sets another cookie for the session, which has shown it too")
        .patch("/api/v1/me/passkeys/{id}", rename)
        .about("Renames a passkey")
        .delete("/api/v1/me/passkeys/{id}", remove)
        .about("Removes a passkey and ends all other sessions")
        .merge(pages::routes())
}

/// The token with which a request answers what its browser was asked, if it carries one.
#[derive(Debug)]
pub(super) struct ChallengeToken(pub(super) Option<Token>);

impl FromRequestParts<Auth> for ChallengeToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Infallible> {
        Ok(Self(auth.relying_party().map_or(None, |party| party.token(&parts.headers))))
    }
}

impl Declares for ChallengeToken {}

/// What to ask a browser. The cookie of this answer must come with what it says.
#[derive(Serialize, ToSchema)]
pub(super) struct PasskeyChallenge {
    /// The options in WebAuthn's own form, for `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    options: Value,
    /// Until when the answer is taken, once.
    expires_at: DateTime<Utc>,
}

impl PasskeyChallenge {
    pub(super) fn of<O: Serialize>(auth: &Auth, asked: Asked<O>) -> Result<(HeaderMap, Json<Self>), Problem> {
        let options = serde_json::to_value(asked.options).map_err(Problem::internal)?;
        let cookie = auth.relying_party()?.set(&asked.token)?;
        Ok((set([cookie]), Json(Self { options, expires_at: asked.expires_at })))
    }
}

impl Listed for Passkey {
    const ORDERS: &'static [Order] = &[Order::new("created_at", "created_at", OrderBy::Time)];
}

async fn list(State(auth): State<Auth>, CurrentUser(me): CurrentUser, wanted: Wanted<Passkey>) -> Result<List<Passkey>, Problem> {
    let passkeys = passkey_list(&auth, &me).await?;
    let key = |passkey: &Passkey, _: &str| passkey.created_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    Ok(wanted.take(passkeys, key, |passkey| passkey.id.into()))
}

async fn ask(State(auth): State<Auth>, RecentProof(me): RecentProof) -> Result<(HeaderMap, Json<PasskeyChallenge>), Problem> {
    PasskeyChallenge::of(&auth, passkey_register_begin(&auth, &me).await?.map(|options| options.public_key))
}

/// A passkey to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPasskey {
    /// What its owner calls it.
    name: String,
    /// What the browser made, as `PublicKeyCredential.toJSON` writes it.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
}

/// Its name is checked where it is used, and the rest by the library.
impl Validate for NewPasskey {}

/// A passkey that was registered.
#[derive(Serialize, ToSchema)]
struct PasskeyCreated {
    /// Its id, to rename or remove it by.
    id: PasskeyId,
}

async fn register(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    ChallengeToken(token): ChallengeToken,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<NewPasskey>,
) -> Result<(HeaderMap, Created<PasskeyCreated>), Problem> {
    let answered = Answered { origin, token, credential: &body.credential };
    let (id, session) = passkey_register(&auth, &me, answered, &body.name, &auth.letters(locale, None)).await?;
    Ok((set(signed_in(&auth, &session, &cookies)?), Created(PasskeyCreated { id })))
}

/// What a passkey is to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyName {
    /// The name.
    name: String,
}

impl Validate for PasskeyName {}

async fn rename(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    Path(id): Path<PasskeyId>,
    origin: Origin,
    Json(body): Json<PasskeyName>,
) -> Result<NoContent, Problem> {
    passkey_rename(&auth, origin, &me, id, &body.name).await?;
    Ok(NoContent)
}

async fn remove(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Language(locale): Language,
    Path(id): Path<PasskeyId>,
    cookies: DeviceCookies,
    origin: Origin,
) -> Result<(HeaderMap, NoContent), Problem> {
    let headers = match passkey_remove(&auth, origin, &me, id, &auth.letters(locale, None)).await? {
        Some(session) => set(signed_in(&auth, &session, &cookies)?),
        None => HeaderMap::new(),
    };
    Ok((headers, NoContent))
}
