//! What programs may act for a person: listed and ended by the person, beside the sessions.

use axum::{extract::State, response::Response};
use chrono::SecondsFormat;
use saas_core::{
    CurrentUser, List, Listed, NoContent, Order, OrderBy, Origin, Page, Path, Problem, Routes, SignedIn, TokenFamilyId, Wanted,
};
use serde_json::{Value, json};

use super::see;
use crate::{
    Auth, TokenFamily,
    token::{token_family_end, token_family_list},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/sessions/programs/{id}/end", submit_end)
        .get("/api/v1/auth/programs", list)
        .about("Lists the programs that may act for the person who is signed in")
        .delete("/api/v1/auth/programs/{id}", delete)
        .about("Ends what a program may do")
}

impl Listed for TokenFamily {
    const ORDERS: &'static [Order] =
        &[Order::new("last_seen_at", "last_seen_at", OrderBy::Time), Order::new("created_at", "created_at", OrderBy::Time)];
}

async fn list(State(auth): State<Auth>, CurrentUser(me): CurrentUser, wanted: Wanted<TokenFamily>) -> Result<List<TokenFamily>, Problem> {
    let families = token_family_list(auth.db(), &me).await?;
    let key = |family: &TokenFamily, order: &str| {
        let time = if order == "created_at" { family.created_at } else { family.last_seen_at };
        time.to_rfc3339_opts(SecondsFormat::Micros, true)
    };
    Ok(wanted.take(families, key, |family| family.id.into()))
}

async fn delete(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Path(id): Path<TokenFamilyId>,
) -> Result<NoContent, Problem> {
    end(&auth, origin, &me, id).await?;
    Ok(NoContent)
}

async fn submit_end(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Path(id): Path<TokenFamilyId>,
) -> Result<Response, Problem> {
    end(&auth, origin, &me, id).await?;
    Ok(see("/sessions"))
}

/// Somebody else's is answered like one that never was.
async fn end(auth: &Auth, origin: Origin, me: &SignedIn, id: TokenFamilyId) -> Result<(), Problem> {
    if token_family_end(auth.db(), origin, me.user, id).await? { Ok(()) } else { Err(Problem::not_found()) }
}

/// The programs of a page's reader.
pub(super) async fn on_page(auth: &Auth, me: &SignedIn, page: &Page) -> Result<Vec<Value>, Problem> {
    let unknown = page.web().pages.texts(page.locale()).get("auth-sessions-unknown-program", &[]);
    let families = token_family_list(auth.db(), me).await?;
    Ok(families
        .into_iter()
        .map(|family| {
            json!({
                "id": family.id,
                "name": family.name.or(family.user_agent).unwrap_or_else(|| unknown.clone()),
                "organization": family.organization_name,
                "address": family.address,
                "created_at": family.created_at,
                "last_seen_at": family.last_seen_at,
                "expires_at": family.expires_at,
            })
        })
        .collect())
}
