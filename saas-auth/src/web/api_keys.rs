//! API keys of an organization, for programs that act for a person: a key makes no keys.

mod pages;

use axum::extract::State;
use chrono::{DateTime, Utc};
use saas_core::{Can, Created, FieldError, Json, KeyId, List, NoContent, Path, Problem, Routes, TenantDb, Validate, Wanted};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    AllowedFrom, ApiKey, ApiKeyRead, ApiKeyWrite, Auth, NewApiKey, Overlap, RecentProof,
    api_key::{SELECT, living},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/api/v1/api-keys", list)
        .about("Lists the organization's API keys")
        .post("/api/v1/api-keys", create)
        .about("Makes an API key and gives it, this once")
        .get("/api/v1/api-keys/{id}", read)
        .about("One API key, but not the key itself")
        .patch("/api/v1/api-keys/{id}", change)
        .about("Changes from where an API key may be used")
        .delete("/api/v1/api-keys/{id}", revoke)
        .about("Revokes an API key")
        .post("/api/v1/api-keys/{id}/rotate", rotate)
        .about("Gives an API key another secret, this once; the old one works for as long as it is said")
        .merge(pages::routes())
}

async fn list(_: Can<ApiKeyRead>, db: TenantDb, wanted: Wanted<ApiKey>) -> Result<List<ApiKey>, Problem> {
    let mut tx = db.begin().await?;
    let mut query = wanted.query(SELECT);
    living(&mut query, &tx);
    Ok(wanted.fetch(&mut tx, query).await?)
}

/// A new API key.
#[derive(Serialize, ToSchema)]
struct ApiKeyWithSecret {
    #[serde(flatten)]
    about: ApiKey,
    /// The key itself, shown this once.
    key: String,
}

async fn create(
    can: Can<ApiKeyWrite>,
    _: RecentProof,
    db: TenantDb,
    State(auth): State<Auth>,
    Json(new): Json<NewApiKey>,
) -> Result<Created<ApiKeyWithSecret>, Problem> {
    let mut tx = db.begin().await?;
    let (id, secret) = auth.api_key_create_in(&mut tx, can.standing(), &new).await?;
    let about = auth.api_key_in(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    Ok(Created(ApiKeyWithSecret { about, key: secret.expose().to_owned() }))
}

async fn read(_: Can<ApiKeyRead>, db: TenantDb, State(auth): State<Auth>, Path(id): Path<KeyId>) -> Result<Json<ApiKey>, Problem> {
    let mut tx = db.begin().await?;
    auth.api_key_in(&mut tx, id).await?.map(Json).ok_or_else(Problem::not_found)
}

/// What may be changed of an API key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApiKeyChange {
    /// Networks or addresses that it may be used from, at most 32; everywhere if empty. Holds from its next request on.
    allowed_from: AllowedFrom,
}

impl Validate for ApiKeyChange {}

async fn change(
    can: Can<ApiKeyWrite>,
    db: TenantDb,
    State(auth): State<Auth>,
    Path(id): Path<KeyId>,
    Json(change): Json<ApiKeyChange>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    auth.api_key_allowed_from_set_in(&mut tx, can.actor(), id, &change.allowed_from).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn revoke(can: Can<ApiKeyWrite>, db: TenantDb, State(auth): State<Auth>, Path(id): Path<KeyId>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    auth.api_key_revoke_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// How an API key's secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApiKeyRotation {
    /// For how many hours the old secret goes on working: none to 168.
    overlap_hours: u16,
}

impl Validate for ApiKeyRotation {
    fn validate(&self) -> Vec<FieldError> {
        Vec::from_iter(overlap(self.overlap_hours).err())
    }
}

fn overlap(hours: u16) -> Result<Overlap, FieldError> {
    Overlap::hours(hours).ok_or_else(|| FieldError::new("/overlap_hours", "must be at most 168"))
}

/// Another secret of an API key.
#[derive(Serialize, ToSchema)]
struct RotatedApiKey {
    /// The key itself, shown this once.
    key: String,
    /// Until when the old secret works.
    previous_until: DateTime<Utc>,
}

async fn rotate(
    can: Can<ApiKeyWrite>,
    _: RecentProof,
    db: TenantDb,
    State(auth): State<Auth>,
    Path(id): Path<KeyId>,
    Json(rotation): Json<ApiKeyRotation>,
) -> Result<Created<RotatedApiKey>, Problem> {
    let overlap = overlap(rotation.overlap_hours).map_err(|error| Problem::invalid([error]))?;
    let mut tx = db.begin().await?;
    let rotated = auth.api_key_rotate_in(&mut tx, can.standing(), id, overlap).await?;
    tx.commit().await?;
    Ok(Created(RotatedApiKey { key: rotated.secret.expose().to_owned(), previous_until: rotated.previous_until }))
}
