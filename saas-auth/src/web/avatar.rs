use axum::{
    extract::{DefaultBodyLimit, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use saas_core::{CurrentUser, Download, Json, Multipart, NoContent, Origin, Page, Path, Problem, Routes, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{profile, see};
use crate::{
    Auth,
    account::{AvatarId, AvatarSize, avatar_read, avatar_remove, avatar_set},
    picture::MAX_BYTES,
};

/// What a form adds to its file: boundaries, names, other fields.
const FORM: usize = 64 << 10;

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/account/avatar", submit)
        .post("/account/avatar/remove", submit_remove)
        .merge(Routes::new().get("/avatars/{id}/{size}", show).on_tenant_hosts())
        .put("/api/v1/me/avatar", replace)
        .about("Takes a picture of the person who is signed in and makes two square ones of it")
        .delete("/api/v1/me/avatar", remove)
        .about("Removes the picture of the person who is signed in")
        .layer(DefaultBodyLimit::max(MAX_BYTES + FORM))
}

/// Where a picture is, in both sizes.
#[derive(Debug, Serialize, ToSchema)]
struct Avatar {
    /// 64 pixels wide and high.
    small: String,
    /// 256 pixels wide and high.
    large: String,
}

async fn take(auth: &Auth, origin: Origin, me: &SignedIn, form: Multipart) -> Result<AvatarId, Problem> {
    let bytes = form.file("file").await?.whole(MAX_BYTES).await?;
    Ok(avatar_set(auth, origin, me, bytes).await?)
}

async fn submit(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    page: Page,
    form: Multipart,
) -> Result<Response, Problem> {
    let Err(problem) = take(&auth, origin, &me, form).await else { return Ok(see("/account?done=avatar")) };
    let reason = match problem.status() {
        StatusCode::PAYLOAD_TOO_LARGE => "auth-avatar-error-size",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "auth-avatar-error-kind",
        StatusCode::UNPROCESSABLE_ENTITY => "auth-avatar-error-unreadable",
        _ => return Err(problem),
    };
    Ok((problem.status(), profile::with_avatar_error(&auth, &me, &page, page.text(reason)).await?).into_response())
}

async fn submit_remove(State(auth): State<Auth>, CurrentUser(me): CurrentUser, origin: Origin) -> Result<Response, Problem> {
    avatar_remove(&auth, origin, &me).await?;
    Ok(see("/account"))
}

async fn replace(State(auth): State<Auth>, CurrentUser(me): CurrentUser, origin: Origin, form: Multipart) -> Result<Json<Avatar>, Problem> {
    let id = take(&auth, origin, &me, form).await?;
    Ok(Json(Avatar { small: id.path(AvatarSize::Small), large: id.path(AvatarSize::Large) }))
}

async fn remove(State(auth): State<Auth>, CurrentUser(me): CurrentUser, origin: Origin) -> Result<NoContent, Problem> {
    avatar_remove(&auth, origin, &me).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
struct Wanted {
    id: AvatarId,
    size: AvatarSize,
}

/// A picture never changes under its id, so whoever has it need not ask again. Only those who may see it know the id, and they are asked who
/// they are nevertheless.
async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Path(wanted): Path<Wanted>) -> Result<Download, Problem> {
    let picture = avatar_read(&auth, &me, wanted.id, wanted.size).await?.ok_or_else(Problem::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok(Download((headers, picture).into_response()))
}
