use axum::{extract::State, response::Response};
use chrono::SecondsFormat;
use http::{HeaderMap, header};
use saas_core::{
    CurrentUser, Html, List, Listed, NoContent, Order, OrderBy, Origin, Page, Path, Problem, Routes, SessionId, SignedIn, Wanted,
    pages::device_text,
};
use serde_json::{Value, json};

use super::{see, tokens};
use crate::{
    Auth, Session,
    session::{session_end, session_end_others, session_list},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sessions", show)
        .post("/sessions/{id}/end", submit_end)
        .post("/sessions/end-others", submit_end_others)
        .get("/api/v1/auth/sessions", list)
        .about("Lists the sessions of the person who is signed in")
        .delete("/api/v1/auth/sessions/{id}", delete)
        .about("Ends a session")
}

async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, page: Page) -> Result<Html, Problem> {
    let sessions = session_list(auth.db(), auth.session_idle(), &me).await?;
    let sessions: Vec<Value> = sessions.iter().map(|session| on_page(session, &page)).collect();
    let programs = tokens::on_page(&auth, &me, &page).await?;
    page.render("auth/sessions.html", json!({ "sessions": sessions, "programs": programs }))
}

async fn submit_end(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Path(id): Path<SessionId>,
) -> Result<(HeaderMap, Response), Problem> {
    Ok((end(&auth, origin, &me, id).await?, see("/sessions")))
}

async fn submit_end_others(State(auth): State<Auth>, CurrentUser(me): CurrentUser, origin: Origin) -> Result<Response, Problem> {
    session_end_others(auth.db(), origin, &me).await?;
    Ok(see("/sessions"))
}

impl Listed for Session {
    const ORDERS: &'static [Order] =
        &[Order::new("last_seen_at", "last_seen_at", OrderBy::Time), Order::new("created_at", "created_at", OrderBy::Time)];
}

async fn list(State(auth): State<Auth>, CurrentUser(me): CurrentUser, wanted: Wanted<Session>) -> Result<List<Session>, Problem> {
    let sessions = session_list(auth.db(), auth.session_idle(), &me).await?;
    let key = |session: &Session, order: &str| {
        let time = if order == "created_at" { session.created_at } else { session.last_seen_at };
        time.to_rfc3339_opts(SecondsFormat::Micros, true)
    };
    Ok(wanted.take(sessions, key, |session| session.id.into()))
}

async fn delete(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Path(id): Path<SessionId>,
) -> Result<(HeaderMap, NoContent), Problem> {
    Ok((end(&auth, origin, &me, id).await?, NoContent))
}

/// Ends a session, and gives the headers that forget it where it is the one at hand.
async fn end(auth: &Auth, origin: Origin, me: &SignedIn, id: SessionId) -> Result<HeaderMap, Problem> {
    // Somebody else's is answered like one that never was.
    if !session_end(auth.db(), origin, me.user, id).await? {
        return Err(Problem::not_found());
    }
    let mut headers = HeaderMap::new();
    if id == me.session {
        headers.insert(header::SET_COOKIE, auth.cookie().clear()?);
    }
    Ok(headers)
}

fn on_page(session: &Session, page: &Page) -> Value {
    let texts = page.web().pages.texts(page.locale());
    let device = session.user_agent.as_deref().and_then(|user_agent| device_text(&texts, user_agent));
    let device = device.unwrap_or_else(|| texts.get("auth-sessions-unknown-device", &[]));
    json!({
        "id": session.id,
        "current": session.current,
        "device": device,
        "address": session.address,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "remembered": session.remembered,
        "host": session.host,
    })
}
