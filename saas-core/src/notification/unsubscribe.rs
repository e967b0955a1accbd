//! Ends mail of one kind, or the daily mail, with one `POST` and no sign-in (RFC 8058).

use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Frequency, Notifications, PersonalChannel,
    preference::{daily_end_in, preference_set_in},
};
use crate::{
    Actor, Db, Html, MasterKey, Origin, Page, Problem, Purpose, Query, Routes, TenantId, UserId,
    mail::{Link, Outbox},
};

const UNSUBSCRIBE: Purpose = Purpose::new("links that end mail");

/// In the place of a kind: all that is mailed once a day. No event is called so, for their names have dots.
pub(super) const DAILY: &str = "daily";

/// Where mail of this kind to this person ends. The link never expires: an old mail's must work too.
pub(super) fn link(outbox: &Outbox, keys: &MasterKey, tenant: TenantId, user: UserId, kind: &str) -> Link {
    let signature = URL_SAFE_NO_PAD.encode(keys.sign(UNSUBSCRIBE, text(tenant, user, kind).as_bytes()));
    outbox
        .link("/notifications/unsubscribe")
        .with("tenant", &tenant.to_string())
        .with("user", &user.to_string())
        .with("kind", kind)
        .with("signature", &signature)
}

/// Ids and an event's name have no spaces.
fn text(tenant: TenantId, user: UserId, kind: &str) -> String {
    format!("{tenant} {user} {kind}")
}

/// A link as it comes back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ending {
    tenant: TenantId,
    user: UserId,
    kind: String,
    signature: String,
}

impl Ending {
    fn check(&self, keys: &MasterKey) -> Result<(), Problem> {
        let signature = URL_SAFE_NO_PAD.decode(&self.signature).map_err(|_| Problem::not_found())?;
        let holds = keys.signed(UNSUBSCRIBE, text(self.tenant, self.user, &self.kind).as_bytes(), &signature);
        if holds { Ok(()) } else { Err(Problem::not_found()) }
    }
}

#[derive(Clone)]
struct Ends {
    notifications: Notifications,
    db: Db,
}

pub(super) fn routes<S: Clone + Send + Sync + 'static>(notifications: &Notifications, db: &Db) -> Routes<S> {
    Routes::new()
        .get("/notifications/unsubscribe", ask)
        .post("/notifications/unsubscribe", end)
        .with_state(Ends { notifications: notifications.clone(), db: db.clone() })
}

/// A program that looks at every link in a mail must not end anything: this only asks.
async fn ask(State(ends): State<Ends>, page: Page, Query(ending): Query<Ending>) -> Result<Html, Problem> {
    ending.check(&ends.notifications.0.keys)?;
    page.render("core/unsubscribe.html", json!({ "ending": ending, "done": false }))
}

/// What a mail program sends in the body says nothing more, so it is not read.
/// Whoever holds the link is whom it was mailed to, or their mail program: the log says whose mail ended, and that nobody had signed in.
async fn end(State(ends): State<Ends>, origin: Origin, page: Page, Query(ending): Query<Ending>) -> Result<Html, Problem> {
    ending.check(&ends.notifications.0.keys)?;
    let mut tx = ends.db.tenant(ending.tenant).acting(ending.user).caused_by(origin).begin().await?;
    let who = (ending.user, Actor::Anonymous);
    if ending.kind == DAILY {
        daily_end_in(&mut tx, who, ends.notifications.kinds()).await?;
    } else {
        let kind = ends.notifications.kind(&ending.kind).filter(|kind| !kind.mandatory).ok_or_else(Problem::not_found)?;
        preference_set_in(&mut tx, who, kind, PersonalChannel::Mail, Frequency::Off).await?;
    }
    tx.commit().await?;
    page.render("core/unsubscribe.html", json!({ "ending": ending, "done": true }))
}
