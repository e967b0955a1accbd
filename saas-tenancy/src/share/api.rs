use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use saas_core::{Declares, Json, NoContent, Operation, Problem, Reached, Resource, Routes, ShareLevel, UserId, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Share, Sharing, operations::thing_in, share_end_in, share_put_in, shares_in};

pub(super) fn routes<R: Resource>(sharing: Sharing) -> Routes<Sharing> {
    let all = format!("/api/v1{}/people", sharing.path);
    let one = format!("{all}/{{user}}");
    Routes::new()
        .get(all.as_str(), list::<R>)
        .about("Lists the members with whom it is shared")
        .put(one.as_str(), put::<R>)
        .about("Shares it with a member, to look at or to work on")
        .delete(one.as_str(), end::<R>)
        .about("Ends the share with a member")
}

/// The person that the path names beside the thing.
struct With(UserId);

impl<S: Send + Sync> FromRequestParts<S> for With {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        let user = path.iter().find(|(name, _)| *name == "user").and_then(|(_, user)| user.parse().ok());
        user.map(Self).ok_or_else(Problem::not_found)
    }
}

impl Declares for With {
    fn describe(operation: &mut Operation) {
        operation.path::<UserId>();
    }
}

/// With whom a thing is shared.
#[derive(Debug, Serialize, ToSchema)]
struct Shares {
    /// The members, by name. Whoever has a role that lets them is not among them.
    items: Vec<Share>,
}

async fn list<R: Resource>(reached: Reached<R::Share, R>) -> Result<Json<Shares>, Problem> {
    let (mut tx, id) = reached.begin().await?;
    thing_in::<R>(&mut tx, None, id, false).await?;
    Ok(Json(Shares { items: shares_in::<R>(&mut tx, id).await? }))
}

/// How far a thing is to be shared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewShare {
    level: ShareLevel,
}

impl Validate for NewShare {}

async fn put<R: Resource>(reached: Reached<R::Share, R>, With(user): With, Json(new): Json<NewShare>) -> Result<NoContent, Problem> {
    let (mut tx, id) = reached.begin().await?;
    share_put_in::<R>(&mut tx, (reached.standing(), reached.conditions()), id, user, new.level).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn end<R: Resource>(reached: Reached<R::Share, R>, With(user): With) -> Result<NoContent, Problem> {
    let (mut tx, id) = reached.begin().await?;
    share_end_in::<R>(&mut tx, reached.actor(), id, user).await?;
    tx.commit().await?;
    Ok(NoContent)
}
