use saas_core::{CurrentUser, Json, Membership, Routes, SignedIn, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Auth;

/// The person who is signed in, as programs see them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    id: UserId,
    name: String,
    email: String,
    verified: bool,
    /// The path of a small square picture of them.
    picture: Option<String>,
    memberships: Vec<Membership>,
}

impl Me {
    pub(super) fn of(signed_in: &SignedIn) -> Self {
        Self {
            id: signed_in.user,
            name: signed_in.name.clone(),
            email: signed_in.email.clone(),
            verified: signed_in.verified,
            picture: signed_in.picture.clone(),
            memberships: signed_in.memberships.clone(),
        }
    }
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new().get("/api/v1/auth/me", me).about("Says who is signed in")
}

async fn me(CurrentUser(me): CurrentUser) -> Json<Me> {
    Json(Me::of(&me))
}
