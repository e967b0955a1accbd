//! Browsers over HTTP: on the page on which people choose how they are told, and for its script.

use axum::{extract::State, response::Redirect};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{BrowserId, Push, PushBrowser, browser::NewPushBrowser};
use crate::{Created, CurrentUser, Json, NoContent, Origin, Page, Path, Problem, Routes, SignedIn, pages::device_text};

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(push: &Push) -> Routes<S> {
    Routes::new()
        .post("/notifications/browsers/{id}/remove", remove_from_page)
        .get("/api/v1/notifications/browsers", list)
        .about("Lists the browsers in which you are told, and with what one is asked")
        .post("/api/v1/notifications/browsers", add)
        .about("Tells you in the browser that this comes from, until its session is over")
        .delete("/api/v1/notifications/browsers/{id}", remove)
        .about("Tells you nothing more in a browser")
        .with_state(push.clone())
}

/// What the page shows: the key to ask with, and the browsers, each as people know it.
pub(crate) async fn on_page(push: &Push, me: &SignedIn, page: &Page) -> Result<Value, Problem> {
    let texts = page.web().pages.texts(page.locale());
    let shown = |browser: &PushBrowser| {
        let label = browser.user_agent.as_deref().and_then(|user_agent| device_text(&texts, user_agent));
        let label = label.unwrap_or_else(|| texts.get("core-push-unknown", &[]));
        json!({ "id": browser.id, "label": label, "created_at": browser.created_at, "current": browser.current })
    };
    let browsers: Vec<_> = push.browsers(me).await?.iter().map(shown).collect();
    Ok(json!({ "server_key": push.server_key(), "browsers": browsers }))
}

/// The browsers of a person.
#[derive(Debug, Serialize, ToSchema)]
struct PushBrowsers {
    /// What a browser is asked with (`applicationServerKey`): a point of the curve P-256, in base64 for addresses.
    server_key: String,
    /// Those in which you are told, the oldest first.
    browsers: Vec<PushBrowser>,
}

async fn list(CurrentUser(me): CurrentUser, State(push): State<Push>) -> Result<Json<PushBrowsers>, Problem> {
    Ok(Json(PushBrowsers { server_key: push.server_key(), browsers: push.browsers(&me).await? }))
}

async fn add(
    CurrentUser(me): CurrentUser,
    State(push): State<Push>,
    origin: Origin,
    Json(new): Json<NewPushBrowser>,
) -> Result<Created<PushBrowser>, Problem> {
    Ok(Created(push.browser_add(&me, origin, &new).await?))
}

async fn remove(
    CurrentUser(me): CurrentUser,
    State(push): State<Push>,
    origin: Origin,
    Path(id): Path<BrowserId>,
) -> Result<NoContent, Problem> {
    push.browser_remove(&me, origin, id).await?;
    Ok(NoContent)
}

async fn remove_from_page(
    CurrentUser(me): CurrentUser,
    State(push): State<Push>,
    origin: Origin,
    Path(id): Path<BrowserId>,
) -> Result<Redirect, Problem> {
    push.browser_remove(&me, origin, id).await?;
    Ok(Redirect::to("/notifications/preferences"))
}
