use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{Can, Form, FormErrors, Html, KeyId, Page, Path, Problem, Routes, Secret, Standing, TenantDb, TenantTx};
use serde::Deserialize;
use serde_json::{Value, json};

use super::overlap;
use crate::{
    AllowedFrom, ApiKey, ApiKeyError, ApiKeyRead, ApiKeyState, ApiKeyWrite, Auth, KeyFlaw, NewApiKey, Overlap, RecentProof, Scope,
    refused::Refused,
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/api-keys", show)
        .post("/api-keys", create)
        .get("/api-keys/new", new)
        .get("/api-keys/{id}", show_one)
        .post("/api-keys/{id}/allowed-from", allow)
        .post("/api-keys/{id}/rotate", rotate)
        .post("/api-keys/{id}/revoke", revoke)
}

/// How long a key may live, as the page offers it, in days.
const LIFETIMES: [u16; 4] = [30, 90, 365, NEVER];
const NEVER: u16 = 0;
const USUAL: u16 = 90;

/// How long the old secret may go on working, as the page offers it, in hours.
const OVERLAPS: [u16; 4] = [0, 1, 24, 168];

async fn show(can: Can<ApiKeyRead>, db: TenantDb, State(auth): State<Auth>, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let keys: Vec<_> = auth.api_keys_in(&mut tx).await?.iter().map(|key| shown(&auth, &page, key)).collect();
    page.render("auth/api_keys.html", json!({ "keys": keys, "can_write": can.standing().may::<ApiKeyWrite>() }))
}

fn shown(auth: &Auth, page: &Page, key: &ApiKey) -> Value {
    // A scope that the product no longer offers does nothing, so nothing is said of it.
    let known = auth.scopes().iter().filter(|scope| key.scopes.iter().any(|name| name == scope.permission));
    let scopes: Vec<_> = known.map(|scope| page.text(scope.text)).collect();
    json!({
        "id": key.id, "name": key.name, "prefix": key.prefix, "state": key.state, "creator": key.creator, "scopes": scopes,
        "created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at, "last_used_at": key.last_used_at,
        "allowed_from": key.allowed_from.to_string(), "previous_until": key.previous_until, "exposed_at": key.exposed_at,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NewForm {
    name: String,
    /// Ticked boxes.
    scopes: Vec<String>,
    days: Option<u16>,
    allowed_from: String,
}

impl NewForm {
    fn read(&self, now: DateTime<Utc>) -> Result<NewApiKey, FormErrors> {
        let mut errors = FormErrors::default();
        let allowed_from = AllowedFrom::parse(&self.allowed_from).unwrap_or_else(|_| {
            errors.add("allowed_from", "auth-api-key-error-allowed");
            AllowedFrom::default()
        });
        if self.scopes.is_empty() {
            errors.add("scopes", "auth-api-key-error-scopes");
        }
        let expires_at = match self.days() {
            NEVER => None,
            days => Some(now + TimeDelta::days(days.into())),
        };
        let new = NewApiKey { name: self.name.clone(), scopes: self.scopes.clone(), expires_at, allowed_from };
        if errors.is_empty() { Ok(new) } else { Err(errors) }
    }

    /// Only what the page offers.
    fn days(&self) -> u16 {
        self.days.filter(|days| LIFETIMES.contains(days)).unwrap_or(USUAL)
    }

    fn render(&self, auth: &Auth, standing: &Standing, page: &Page, errors: &FormErrors) -> Value {
        let form = page.form(&[("name", &self.name), ("allowed_from", &self.allowed_from)], errors);
        let lifetimes: Vec<_> = LIFETIMES.iter().map(|days| json!({ "days": days, "chosen": *days == self.days() })).collect();
        json!({ "form": form, "groups": groups(auth.scopes(), standing, page, &self.scopes), "lifetimes": lifetimes })
    }
}

/// The scopes that somebody may give, under their headings.
fn groups(scopes: &[Scope], standing: &Standing, page: &Page, ticked: &[String]) -> Vec<Value> {
    let held: Vec<&Scope> = scopes.iter().filter(|scope| scope.is_held(standing)).collect();
    held.chunk_by(|one, next| one.group == next.group)
        .map(|group| {
            let scopes: Vec<_> = group
                .iter()
                .map(|scope| {
                    let is_ticked = ticked.iter().any(|name| name == scope.permission);
                    json!({ "name": scope.permission, "label": page.text(scope.text), "chosen": is_ticked })
                })
                .collect();
            json!({ "label": page.text(group[0].group), "scopes": scopes })
        })
        .collect()
}

async fn new(can: Can<ApiKeyWrite>, _: RecentProof, State(auth): State<Auth>, page: Page) -> Result<Html, Problem> {
    page.render("auth/api_key_new.html", NewForm::default().render(&auth, can.standing(), &page, &FormErrors::default()))
}

async fn create(
    can: Can<ApiKeyWrite>,
    _: RecentProof,
    db: TenantDb,
    State(auth): State<Auth>,
    page: Page,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let refuse = |errors: &FormErrors| page.refuse("auth/api_key_new.html", form.render(&auth, can.standing(), &page, errors));
    let mut tx = db.begin().await?;
    let new = match form.read(tx.now()) {
        Ok(new) => new,
        Err(errors) => return refuse(&errors),
    };
    match auth.api_key_create_in(&mut tx, can.standing(), &new).await {
        Ok((id, secret)) => given(tx, &auth, &page, id, &secret, true).await,
        Err(ApiKeyError::Flaw(KeyFlaw::Name(refusal))) => {
            let mut refused = Refused::default();
            refused.add("name", refusal);
            refuse(&refused.form_errors())
        }
        Err(ApiKeyError::Flaw(KeyFlaw::Networks)) => refuse(&one("allowed_from", "auth-api-key-error-allowed")),
        Err(ApiKeyError::Scopes) => refuse(&one("scopes", "auth-api-key-error-scopes")),
        Err(error) => Err(error.into()),
    }
}

fn one(field: &'static str, text: &'static str) -> FormErrors {
    let mut errors = FormErrors::default();
    errors.add(field, text);
    errors
}

/// The page that shows a key, this once.
async fn given(mut tx: TenantTx, auth: &Auth, page: &Page, id: KeyId, secret: &Secret, is_new: bool) -> Result<Response, Problem> {
    let key = auth.api_key_in(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    let context = json!({ "key": shown(auth, page, &key), "secret": secret.expose(), "is_new": is_new });
    Ok((StatusCode::CREATED, page.render("auth/api_key_secret.html", context)?).into_response())
}

async fn show_one(
    can: Can<ApiKeyRead>,
    db: TenantDb,
    State(auth): State<Auth>,
    Path(id): Path<KeyId>,
    page: Page,
) -> Result<Response, Problem> {
    render(&auth, &db, &page, can.standing(), id, None).await
}

/// The page of one key, with what was entered where it cannot be taken.
async fn render(
    auth: &Auth,
    db: &TenantDb,
    page: &Page,
    standing: &Standing,
    id: KeyId,
    entered: Option<&str>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let key = auth.api_key_in(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    let errors = entered.map_or_else(FormErrors::default, |_| one("allowed_from", "auth-api-key-error-allowed"));
    let allowed_from = key.allowed_from.to_string();
    let context = json!({
        "key": shown(auth, page, &key),
        "form": page.form(&[("allowed_from", entered.unwrap_or(&allowed_from))], &errors),
        "overlaps": OVERLAPS,
        "can_write": standing.may::<ApiKeyWrite>(),
        "can_rotate": key.state == ApiKeyState::Active && key.scopes.iter().all(|scope| standing.permissions.contains(&scope.as_str())),
    });
    match entered {
        Some(_) => page.refuse("auth/api_key.html", context),
        None => Ok(page.render("auth/api_key.html", context)?.into_response()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowForm {
    #[serde(default)]
    allowed_from: String,
}

async fn allow(
    can: Can<ApiKeyWrite>,
    db: TenantDb,
    State(auth): State<Auth>,
    Path(id): Path<KeyId>,
    page: Page,
    Form(form): Form<AllowForm>,
) -> Result<Response, Problem> {
    let refuse = || render(&auth, &db, &page, can.standing(), id, Some(&form.allowed_from));
    let Ok(allowed_from) = AllowedFrom::parse(&form.allowed_from) else { return refuse().await };
    let mut tx = db.begin().await?;
    match auth.api_key_allowed_from_set_in(&mut tx, can.actor(), id, &allowed_from).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(to(id).into_response())
        }
        Err(ApiKeyError::Flaw(_)) => {
            drop(tx);
            refuse().await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateForm {
    overlap_hours: u16,
}

async fn rotate(
    can: Can<ApiKeyWrite>,
    _: RecentProof,
    db: TenantDb,
    State(auth): State<Auth>,
    Path(id): Path<KeyId>,
    page: Page,
    Form(form): Form<RotateForm>,
) -> Result<Response, Problem> {
    let overlap: Overlap = overlap(form.overlap_hours).map_err(|error| Problem::invalid([error]))?;
    let mut tx = db.begin().await?;
    let rotated = auth.api_key_rotate_in(&mut tx, can.standing(), id, overlap).await?;
    given(tx, &auth, &page, id, &rotated.secret, false).await
}

async fn revoke(can: Can<ApiKeyWrite>, db: TenantDb, State(auth): State<Auth>, Path(id): Path<KeyId>) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    auth.api_key_revoke_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(to(id))
}

fn to(id: KeyId) -> Redirect {
    Redirect::to(&format!("/api-keys/{id}"))
}
