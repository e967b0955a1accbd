//! The second factor of whoever is signed in: for programs here, for browsers in `pages.rs`.

mod pages;

use axum::extract::State;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use saas_core::{Accepted, Created, CurrentUser, FieldError, Json, NoContent, Origin, Problem, Routes, Secret, Token, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    entry::{set, signed_in},
    sign_up::MailSent,
    visitor::Language,
};
use crate::{
    Auth, RecentProof, SecondFactorError,
    second_factor::{
        BackupCodes, SecondFactor, authenticator_begin, authenticator_confirm, backup_codes_renew, second_factor, second_factor_off,
        second_factor_off_start,
    },
    session::DeviceCookies,
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/api/v1/me/second-factor", read)
        .about("Says whether a second factor is asked for, and how many backup codes are left")
        .post("/api/v1/me/second-factor/app", begin)
        .about("Gives a secret for an authenticator app, this once; it is asked for when a code was confirmed")
        .post("/api/v1/me/second-factor/app/confirm", confirm)
        .about("Takes the first code of an authenticator app, and gives backup codes, this once")
        .post("/api/v1/me/second-factor/backup-codes", renew)
        .about("Gives new backup codes, this once; the old ones end")
        .post("/api/v1/me/second-factor/off", start_off)
        .about("Mails a link to turn the second factor off")
        .post("/api/v1/me/second-factor/off/confirm", confirm_off)
        .about("Turns the second factor off with the token from the mail")
        .merge(pages::routes())
}

async fn read(State(auth): State<Auth>, CurrentUser(me): CurrentUser) -> Result<Json<SecondFactor>, Problem> {
    Ok(Json(second_factor(&auth, me.user).await?))
}

/// An authenticator app that is being set up.
#[derive(Serialize, ToSchema)]
struct NewApp {
    /// The secret in base32, shown this once.
    secret: String,
    /// The same with all that an app needs to know, to be shown as a QR code.
    url: String,
    /// Until when its first code is taken.
    expires_at: DateTime<Utc>,
}

async fn begin(State(auth): State<Auth>, RecentProof(me): RecentProof, origin: Origin) -> Result<Created<NewApp>, Problem> {
    let enrolment = authenticator_begin(&auth, origin, &me).await?;
    Ok(Created(NewApp { secret: enrolment.text(), url: enrolment.url(&auth, &me), expires_at: enrolment.expires_at }))
}

/// The first code of an app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FirstCode {
    /// The code that the app shows.
    #[serde(default)]
    #[schema(required = true)]
    code: Secret,
}

impl Validate for FirstCode {}

/// Backup codes.
#[derive(Serialize, ToSchema)]
struct NewBackupCodes {
    /// Each works once. Shown this once.
    backup_codes: Vec<String>,
}

impl NewBackupCodes {
    fn of(codes: &BackupCodes) -> Created<Self> {
        Created(Self { backup_codes: codes.texts() })
    }
}

async fn confirm(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<FirstCode>,
) -> Result<(HeaderMap, Created<NewBackupCodes>), Problem> {
    let (codes, session) = authenticator_confirm(&auth, origin, &me, &body.code, &auth.letters(locale, None)).await?;
    Ok((set(signed_in(&auth, &session, &cookies)?), NewBackupCodes::of(&codes)))
}

async fn renew(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Language(locale): Language,
    origin: Origin,
) -> Result<Created<NewBackupCodes>, Problem> {
    Ok(NewBackupCodes::of(&backup_codes_renew(&auth, origin, &me, &auth.letters(locale, None)).await?))
}

/// What it takes to turn a second factor off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Off {
    /// The password of the account, if it has one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Secret,
}

impl Validate for Off {}

async fn start_off(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Language(locale): Language,
    origin: Origin,
    Json(body): Json<Off>,
) -> Result<Accepted<MailSent>, Problem> {
    second_factor_off_start(&auth, origin, &me, &body.password, &auth.letters(locale, None)).await?;
    Ok(Accepted(MailSent { email: me.email.clone() }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OffToken {
    /// The token from the mail.
    token: String,
}

impl Validate for OffToken {
    fn validate(&self) -> Vec<FieldError> {
        let is_token = Token::parse(&self.token).is_some();
        if is_token { Vec::new() } else { vec![FieldError::new("/token", "is no token")] }
    }
}

async fn confirm_off(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<OffToken>,
) -> Result<(HeaderMap, NoContent), Problem> {
    let token = Token::parse(&body.token).ok_or(SecondFactorError::Expired)?;
    let session = second_factor_off(&auth, origin, &me, &token, &auth.letters(locale, None)).await?;
    Ok((set(signed_in(&auth, &session, &cookies)?), NoContent))
}
