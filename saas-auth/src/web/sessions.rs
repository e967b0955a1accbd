use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{CurrentUser, Html, Json, Page, Path, Problem, Routes, SessionId, SignedIn, pages::TextValue};
use serde_json::{Value, json};

use super::{see, with_cookie};
use crate::{
    Auth, Session,
    session::{describe, session_end, session_end_others, session_list},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sessions", show)
        .post("/sessions/{id}/end", submit_end)
        .post("/sessions/end-others", submit_end_others)
        .get("/api/v1/auth/sessions", list)
        .delete("/api/v1/auth/sessions/{id}", delete)
}

async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, page: Page) -> Result<Html, Problem> {
    let sessions = session_list(auth.db(), &me).await?;
    let sessions: Vec<Value> = sessions.iter().map(|session| on_page(session, &page)).collect();
    page.render("auth/sessions.html", json!({ "sessions": sessions }))
}

async fn submit_end(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Path(id): Path<SessionId>) -> Result<Response, Problem> {
    end(&auth, &me, id, see("/sessions")).await
}

async fn submit_end_others(State(auth): State<Auth>, CurrentUser(me): CurrentUser) -> Result<Response, Problem> {
    session_end_others(auth.db(), &me).await?;
    Ok(see("/sessions"))
}

async fn list(State(auth): State<Auth>, CurrentUser(me): CurrentUser) -> Result<Json<Vec<Session>>, Problem> {
    Ok(Json(session_list(auth.db(), &me).await?))
}

async fn delete(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Path(id): Path<SessionId>) -> Result<Response, Problem> {
    end(&auth, &me, id, StatusCode::NO_CONTENT.into_response()).await
}

async fn end(auth: &Auth, me: &SignedIn, id: SessionId, response: Response) -> Result<Response, Problem> {
    // Somebody else's is answered like one that never was.
    if !session_end(auth.db(), me.user, id).await? {
        return Err(Problem::not_found());
    }
    Ok(if id == me.session { with_cookie(response, auth.cookie().clear()?) } else { response })
}

fn on_page(session: &Session, page: &Page) -> Value {
    let texts = page.web().pages.texts(page.locale());
    let device = match session.user_agent.as_deref().and_then(describe) {
        Some((browser, system)) => {
            texts.get("auth-sessions-device", &[("browser", TextValue::Text(browser)), ("system", TextValue::Text(system))])
        }
        None => texts.get("auth-sessions-unknown-device", &[]),
    };
    json!({
        "id": session.id,
        "current": session.current,
        "device": device,
        "address": session.address,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "remembered": session.remembered,
    })
}
