use axum::response::Redirect;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    EventReplay, UndeliveredEvent,
    undelivered::{SELECT, events_replay_in},
};
use crate::{Can, DbError, EventId, Html, Json, List, NoContent, Page, Path, Problem, Routes, TenantDb, Wanted, audit::AuditRead};

/// What of the tenant's log not everybody was told of: `/audit/undelivered` for people, `/api/v1/audit/undelivered` for programs.
pub(crate) fn undelivered_routes<S: Clone + Send + Sync + 'static>() -> Routes<S> {
    Routes::new()
        .get("/audit/undelivered", show)
        .post("/audit/undelivered/replay", replay_all_from_page)
        .post("/audit/undelivered/{id}/replay", replay_from_page)
        .get("/api/v1/audit/undelivered", list)
        .about("Lists what happened and not everybody could be told of")
        .post("/api/v1/audit/undelivered/replay", replay_all)
        .about("Has all of it announced again")
        .post("/api/v1/audit/undelivered/{id}/replay", replay)
        .about("Has one event announced again to those who were not told")
}

/// What is announced again.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayedEvents {
    /// How many events.
    replayed: u64,
}

async fn list(_: Can<AuditRead>, db: TenantDb, wanted: Wanted<UndeliveredEvent>) -> Result<List<UndeliveredEvent>, Problem> {
    Ok(found(&db, wanted).await?)
}

async fn found(db: &TenantDb, wanted: Wanted<UndeliveredEvent>) -> Result<List<UndeliveredEvent>, DbError> {
    let mut tx = db.begin().await?;
    let mut query = wanted.query(SELECT);
    query.push_bind(tx.tenant());
    wanted.fetch(&mut tx, query).await
}

async fn replay_all(can: Can<EventReplay>, db: TenantDb) -> Result<Json<ReplayedEvents>, Problem> {
    let mut tx = db.begin().await?;
    let replayed = events_replay_in(&mut tx, can.actor(), None).await?;
    tx.commit().await?;
    Ok(Json(ReplayedEvents { replayed }))
}

async fn replay(can: Can<EventReplay>, db: TenantDb, Path(id): Path<EventId>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    if events_replay_in(&mut tx, can.actor(), Some(id)).await? == 0 {
        return Err(Problem::not_found());
    }
    tx.commit().await?;
    Ok(NoContent)
}

async fn show(can: Can<AuditRead>, db: TenantDb, wanted: Wanted<UndeliveredEvent>, page: Page) -> Result<Html, Problem> {
    let is_later = !wanted.is_first();
    let list = found(&db, wanted).await?;
    let named = |names: &[String]| -> Vec<String> {
        names.iter().map(|name| page.text_or(&format!("core-receiver-{}", name.replace('.', "-")), name)).collect()
    };
    let events: Vec<Value> = list
        .items
        .iter()
        .map(|event| {
            json!({
                "id": event.id, "event": event.event, "subject": event.subject, "at": event.at, "given_up_at": event.given_up_at,
                "told": named(&event.told), "untold": named(&event.untold),
            })
        })
        .collect();
    let context = json!({
        "events": events, "next": list.next, "is_later": is_later, "can_replay": can.standing().may::<EventReplay>(),
    });
    page.render("core/undelivered.html", context)
}

async fn replay_all_from_page(can: Can<EventReplay>, db: TenantDb) -> Result<Redirect, Problem> {
    replay_all(can, db).await?;
    Ok(Redirect::to("/audit/undelivered"))
}

async fn replay_from_page(can: Can<EventReplay>, db: TenantDb, id: Path<EventId>) -> Result<Redirect, Problem> {
    replay(can, db, id).await?;
    Ok(Redirect::to("/audit/undelivered"))
}
