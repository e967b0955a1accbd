use axum::extract::State;
use saas_core::{FieldError, Json, NoContent, Origin, Problem, Routes, Validate};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Auth;

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/api/v1/auth/leaked-keys", revoke)
        .about("Revokes API keys that were found where they should not be, and tells their organizations. For secret scanners")
}

/// At most so many in one request.
const MOST: usize = 100;

/// Keys that were found, as GitHub's secret scanning sends them.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
struct LeakedKeys(Vec<LeakedKey>);

/// A key that was found. What else is said of it is not read.
#[derive(Deserialize, ToSchema)]
struct LeakedKey {
    /// The key.
    token: String,
    /// Where it was found.
    url: Option<String>,
}

impl Validate for LeakedKeys {
    fn validate(&self) -> Vec<FieldError> {
        if self.0.len() > MOST { vec![FieldError::new("", format!("at most {MOST} keys in one request"))] } else { Vec::new() }
    }
}

/// Whoever holds a key may end it, so nobody is asked who they are; and nobody learns whether it was one that works.
async fn revoke(State(auth): State<Auth>, origin: Origin, Json(LeakedKeys(found)): Json<LeakedKeys>) -> Result<NoContent, Problem> {
    for key in found {
        auth.api_key_leaked(&key.token, key.url.as_deref(), origin.clone()).await?;
    }
    Ok(NoContent)
}
