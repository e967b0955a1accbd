use chrono::{DateTime, Utc};
use saas_core::{CurrentUser, Json, Membership, Routes, SignedIn, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Auth, account::Leaving};

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
    /// When the account is deleted, if its person is leaving: then their cookie keeps it, and opens nothing else.
    leaves_at: Option<DateTime<Utc>>,
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
            leaves_at: None,
        }
    }

    pub(super) fn leaving(leaving: &Leaving) -> Self {
        Self {
            id: leaving.user,
            name: leaving.name.clone(),
            email: leaving.email.clone(),
            verified: true,
            picture: None,
            memberships: Vec::new(),
            leaves_at: Some(leaving.until),
        }
    }
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new().get("/api/v1/auth/me", me).about("Says who is signed in")
}

async fn me(CurrentUser(me): CurrentUser) -> Json<Me> {
    Json(Me::of(&me))
}
