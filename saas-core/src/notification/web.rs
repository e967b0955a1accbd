//! Notifications over HTTP: a list and preferences, as pages and as an API.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Frequency, Notice, NoticeKind, Notifications, PersonalChannel, Preference, PreferenceError,
    notice::{notice_in, notices_read_in, unread_in},
    preference::preference_set_in,
    unsubscribe,
};
use crate::{
    CurrentMember, CurrentUser, Db, DbError, EventId, Form, Html, Json, List, NoContent, Page, Path, Problem, Routes, Standing, TenantDb,
    TenantTx, UserId, Validate, Wanted, push,
};

impl Notifications {
    /// A page at `/notifications` and an API at `/api/v1/notifications`, for each person their own. To be put below a tenancy layer, and one that
    /// authenticates.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        let routes = Routes::new()
            .get("/notifications", show)
            .get("/notifications/count", count_fragment)
            .post("/notifications/read", read_all_from_page)
            .post("/notifications/{id}/open", open)
            .get("/notifications/preferences", preferences_page)
            .post("/notifications/preferences", choose_from_page)
            .get("/api/v1/notifications", list)
            .about("Lists what you were told")
            .get("/api/v1/notifications/count", count)
            .about("Counts what you have not read")
            .post("/api/v1/notifications/read", read)
            .about("Marks notifications as read")
            .get("/api/v1/notifications/preferences", preferences)
            .about("Lists how you are told of what")
            .put("/api/v1/notifications/preferences", choose)
            .about("Chooses how you are told of one kind of thing")
            .with_state(self.clone());
        match self.push() {
            Some(push) => routes.merge(push::routes(push)),
            None => routes,
        }
    }

    /// Where mails lead that are not wanted any more: for anybody who holds the link. To be put outside of the layers that authenticate.
    pub fn unsubscribe_routes<S: Clone + Send + Sync + 'static>(&self, db: &Db) -> Routes<S> {
        unsubscribe::routes(self, db)
    }

    /// A notice as the page shows it; none of a kind that there is no longer.
    fn shown(&self, notice: &Notice, page: &Page) -> Option<Value> {
        let kind = self.kind(&notice.kind)?;
        Some(json!({
            "id": notice.id, "text": page.sentence(kind.text, &notice.data), "group": kind.group, "at": notice.at,
            "unread": notice.read_at.is_none(),
        }))
    }
}

async fn show(
    CurrentMember(user): CurrentMember,
    db: TenantDb,
    State(notifications): State<Notifications>,
    wanted: Wanted<Notice, NoticeFilter>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let is_later = !wanted.is_first();
    let list = listed_in(&mut tx, user, wanted).await?;
    let shown: Vec<_> = list.items.iter().filter_map(|notice| notifications.shown(notice, &page)).collect();
    let unread = unread_in(&mut tx, user).await? > 0;
    let template = if page.is_fragment() { "core/fragments/notifications.html" } else { "core/notifications.html" };
    page.render(template, json!({ "notices": shown, "unread": unread, "next": list.next, "is_later": is_later }))
}

/// The number beside the bell.
async fn count_fragment(CurrentMember(user): CurrentMember, db: TenantDb, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    page.render("core/fragments/notification_count.html", json!({ "unread": unread_in(&mut tx, user).await? }))
}

async fn read_all_from_page(CurrentMember(user): CurrentMember, db: TenantDb) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    notices_read_in(&mut tx, user, None).await?;
    tx.commit().await?;
    Ok(Redirect::to("/notifications"))
}

/// Marks it as read and leads to what it is about.
async fn open(
    CurrentMember(user): CurrentMember,
    db: TenantDb,
    State(notifications): State<Notifications>,
    Path(id): Path<EventId>,
) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    let notice = notice_in(&mut tx, user, id).await?.ok_or_else(Problem::not_found)?;
    notices_read_in(&mut tx, user, Some(id)).await?;
    tx.commit().await?;
    let href = notifications.kind(&notice.kind).map(|kind| kind.href(&notice.subject));
    Ok(Redirect::to(href.as_deref().unwrap_or("/notifications")))
}

async fn preferences_page(
    CurrentMember(user): CurrentMember,
    CurrentUser(me): CurrentUser,
    standing: Standing,
    db: TenantDb,
    State(notifications): State<Notifications>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let preferences = notifications.preferences_in(&mut tx, user, &standing.permissions).await?;
    let shown: Vec<_> = preferences
        .iter()
        .filter_map(|preference| {
            let label = format!("{}-label", notifications.kind(preference.kind)?.text);
            Some(json!({ "label": page.text(&label), "preference": preference }))
        })
        .collect();
    drop(tx);
    let browsers = match notifications.push() {
        Some(push) => push::on_page(push, &me, &page).await?,
        None => Value::Null,
    };
    page.render("core/notification_preferences.html", json!({ "preferences": shown, "push": browsers }))
}

/// `list:…`, `mail:…` and, where there are browsers, `push:…` for each kind, with a frequency. A box that is not ticked is not sent.
async fn choose_from_page(
    CurrentMember(user): CurrentMember,
    standing: Standing,
    db: TenantDb,
    State(notifications): State<Notifications>,
    Form(choices): Form<BTreeMap<String, Frequency>>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    for preference in notifications.preferences_in(&mut tx, user, &standing.permissions).await?.iter().filter(|it| !it.mandatory) {
        let kind = notifications.kind(preference.kind).ok_or(PreferenceError::Unknown)?;
        let list = choices.get(&format!("list:{}", kind.event)).copied().unwrap_or(Frequency::Off);
        let mail = choices.get(&format!("mail:{}", kind.event)).copied().unwrap_or(preference.mail);
        let unticked = if notifications.push().is_some() { Frequency::Off } else { preference.push };
        let push = choices.get(&format!("push:{}", kind.event)).copied().unwrap_or(unticked);
        for (channel, before, now) in [
            (PersonalChannel::List, preference.list, list),
            (PersonalChannel::Mail, preference.mail, mail),
            (PersonalChannel::Push, preference.push, push),
        ] {
            if before != now {
                preference_set_in(&mut tx, (user, standing.actor), kind, channel, now).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(Redirect::to("/notifications/preferences").into_response())
}

/// Which of them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct NoticeFilter {
    /// Only those that were not read.
    unread: bool,
}

async fn list(CurrentMember(user): CurrentMember, db: TenantDb, wanted: Wanted<Notice, NoticeFilter>) -> Result<List<Notice>, Problem> {
    let mut tx = db.begin().await?;
    Ok(listed_in(&mut tx, user, wanted).await?)
}

/// A page of what a person was told, the newest first.
async fn listed_in(tx: &mut TenantTx, user: UserId, wanted: Wanted<Notice, NoticeFilter>) -> Result<List<Notice>, DbError> {
    let mut query = wanted.query("select event_id as id, kind, subject, data, at, read_at from notification where listed and tenant_id = ");
    query.push_bind(tx.tenant().map(Uuid::from)).push(" and user_id = ").push_bind(Uuid::from(user));
    if wanted.filter.unread {
        query.push(" and read_at is null");
    }
    wanted.fetch(tx, query).await
}

#[derive(Debug, Serialize, ToSchema)]
struct Count {
    /// How many you have not read.
    unread: i64,
}

async fn count(CurrentMember(user): CurrentMember, db: TenantDb) -> Result<Json<Count>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(Count { unread: unread_in(&mut tx, user).await? }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Read {
    /// The one that was read; all of them if it is not said.
    id: Option<EventId>,
}

impl Validate for Read {}

async fn read(CurrentMember(user): CurrentMember, db: TenantDb, Json(read): Json<Read>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    if let Some(id) = read.id {
        notice_in(&mut tx, user, id).await?.ok_or_else(Problem::not_found)?;
    }
    notices_read_in(&mut tx, user, read.id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct Preferences {
    preferences: Vec<Preference>,
}

async fn preferences(
    CurrentMember(user): CurrentMember,
    standing: Standing,
    db: TenantDb,
    State(notifications): State<Notifications>,
) -> Result<Json<Preferences>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(Preferences { preferences: notifications.preferences_in(&mut tx, user, &standing.permissions).await? }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Choice {
    /// The name of the event.
    kind: String,
    /// Whether it is in the list: now or off.
    list: Option<Frequency>,
    /// How it is mailed.
    mail: Option<Frequency>,
    /// Whether it is told in the browsers that were allowed: now or off.
    push: Option<Frequency>,
}

impl Validate for Choice {}

async fn choose(
    CurrentMember(user): CurrentMember,
    standing: Standing,
    db: TenantDb,
    State(notifications): State<Notifications>,
    Json(choice): Json<Choice>,
) -> Result<NoContent, Problem> {
    let hears = |kind: &&NoticeKind| notifications.is_heard_with(kind, &standing.permissions);
    let kind = notifications.kind(&choice.kind).filter(hears).ok_or(PreferenceError::Unknown)?;
    let mut tx = db.begin().await?;
    let chosen = [(PersonalChannel::List, choice.list), (PersonalChannel::Mail, choice.mail), (PersonalChannel::Push, choice.push)];
    for (channel, frequency) in chosen {
        if let Some(frequency) = frequency {
            preference_set_in(&mut tx, (user, standing.actor), kind, channel, frequency).await?;
        }
    }
    tx.commit().await?;
    Ok(NoContent)
}
