//! Webhooks for people.

use std::collections::BTreeSet;

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Endpoint, EndpointError, EndpointId, EndpointState, MessageId, WebhookRead, WebhookWrite, Webhooks,
    delivery::{Delivery, DeliveryPath, SELECT, attempts_in, bodies_in, delivery_replay_in, test_send_in},
    endpoint::{endpoint_change_in, endpoint_in, endpoint_remove_in, endpoints_in},
    redact::redact_sent_shortly,
};
use crate::{
    Can, DbError, Form, FormErrors, Html, List, Page, Path, Problem, Routes, Secret, Standing, TenantDb, TenantTx, Wanted, wrong::Wrong,
};

pub(super) fn routes<S: Clone + Send + Sync + 'static>(webhooks: &Webhooks) -> Routes<S> {
    Routes::new()
        .get("/webhooks", show)
        .post("/webhooks", create)
        .get("/webhooks/new", new)
        .get("/webhooks/{id}", show_one)
        .post("/webhooks/{id}", change)
        .get("/webhooks/{id}/edit", edit)
        .post("/webhooks/{id}/state", set_state)
        .post("/webhooks/{id}/rotate", rotate)
        .post("/webhooks/{id}/reveal", reveal)
        .post("/webhooks/{id}/test", test)
        .post("/webhooks/{id}/remove", remove)
        .post("/webhooks/{id}/deliveries/{message}/replay", replay)
        .with_state(webhooks.clone())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EndpointForm {
    url: String,
    description: String,
    /// Ticked boxes.
    events: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateForm {
    state: Wish,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wish {
    Active,
    Paused,
}

async fn show(can: Can<WebhookRead>, db: TenantDb, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let endpoints: Vec<_> = endpoints_in(&mut tx).await?.iter().map(shown).collect();
    let context = json!({ "endpoints": endpoints, "can_write": can.standing().may::<WebhookWrite>() });
    let template = if page.is_fragment() { "core/fragments/webhooks.html" } else { "core/webhooks.html" };
    page.render(template, context)
}

fn shown(endpoint: &Endpoint) -> Value {
    json!({
        "id": endpoint.id, "host": endpoint.host(), "url": endpoint.url, "description": endpoint.description, "events": endpoint.events,
        "state": endpoint.state, "failing_since": endpoint.failing_since,
    })
}

async fn new(can: Can<WebhookWrite>, State(webhooks): State<Webhooks>, page: Page) -> Result<Html, Problem> {
    page.render("core/webhook_form.html", webhooks.form(can.standing(), &page, None, &EndpointForm::default(), &FormErrors::default()))
}

async fn edit(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let endpoint = endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?;
    let filled = EndpointForm { url: endpoint.url, description: endpoint.description, events: endpoint.events };
    page.render("core/webhook_form.html", webhooks.form(can.standing(), &page, Some(id), &filled, &FormErrors::default()))
}

impl Webhooks {
    fn form(&self, standing: &Standing, page: &Page, id: Option<EndpointId>, filled: &EndpointForm, errors: &FormErrors) -> Value {
        let offered = self.kinds().filter(|kind| kind.permission.is_some_and(|name| standing.permissions.contains(&name)));
        // What a program has chosen by the beginning of names is offered too, or saving would lose it.
        let names: BTreeSet<&str> = offered.map(|kind| kind.name).chain(filled.events.iter().map(String::as_str)).collect();
        let events: Vec<_> =
            names.iter().map(|name| json!({ "name": name, "chosen": filled.events.iter().any(|it| it == name) })).collect();
        let form = page.form(&[("url", &filled.url), ("description", &filled.description)], errors);
        json!({ "id": id, "form": form, "events": events })
    }
}

/// The form again, with what is wrong with it.
fn refused(
    webhooks: &Webhooks,
    standing: &Standing,
    page: &Page,
    id: Option<EndpointId>,
    filled: &EndpointForm,
    wrong: Vec<Wrong>,
) -> Result<Response, Problem> {
    page.refuse("core/webhook_form.html", webhooks.form(standing, page, id, filled, &wrong.into()))
}

async fn create(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    page: Page,
    Form(filled): Form<EndpointForm>,
) -> Result<Response, Problem> {
    let described = match webhooks.describe(can.standing(), &filled.url, &filled.description, &filled.events) {
        Ok(described) => described,
        Err(wrong) => return refused(&webhooks, can.standing(), &page, None, &filled, wrong),
    };
    let mut tx = db.begin().await?;
    let (endpoint, secret) = match webhooks.endpoint_add_in(&mut tx, can.actor(), described).await {
        Err(EndpointError::TooMany(_)) => {
            let errors = FormErrors::whole("core-webhook-error-too-many");
            return page.refuse("core/webhook_form.html", webhooks.form(can.standing(), &page, None, &filled, &errors));
        }
        added => added?,
    };
    tx.commit().await?;
    Ok((StatusCode::CREATED, with_secret(can.standing(), &page, &endpoint, &secret)?).into_response())
}

async fn change(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
    page: Page,
    Form(filled): Form<EndpointForm>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let old = endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?;
    let described = match webhooks.describe(can.standing(), &filled.url, &filled.description, &filled.events) {
        Ok(described) => described,
        Err(wrong) => return refused(&webhooks, can.standing(), &page, Some(id), &filled, wrong),
    };
    endpoint_change_in(&mut tx, can.actor(), id, described, old.state).await?;
    tx.commit().await?;
    Ok(to(id).into_response())
}

async fn set_state(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
    Form(wanted): Form<StateForm>,
) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    let old = endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?;
    let state = match wanted.state {
        Wish::Active => EndpointState::Active,
        Wish::Paused => EndpointState::Paused,
    };
    // What it was told by others may be more than whoever resumes it may hear of.
    let same = webhooks.describe(can.standing(), &old.url, &old.description, &old.events)?;
    endpoint_change_in(&mut tx, can.actor(), id, same, state).await?;
    tx.commit().await?;
    Ok(to(id))
}

async fn rotate(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let secret = webhooks.secret_rotate_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    show_secret(&db, can.standing(), id, &page, &secret).await
}

async fn reveal(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let secret = webhooks.secret_reveal_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    show_secret(&db, can.standing(), id, &page, &secret).await
}

async fn show_secret(db: &TenantDb, standing: &Standing, id: EndpointId, page: &Page, secret: &Secret) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let endpoint = endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?;
    with_secret(standing, page, &endpoint, secret)
}

/// The page that shows a secret once. What was delivered is a page further.
fn with_secret(standing: &Standing, page: &Page, endpoint: &Endpoint, secret: &Secret) -> Result<Html, Problem> {
    let context = json!({ "endpoint": shown(endpoint), "secret": secret.expose(), "can_write": standing.may::<WebhookWrite>() });
    page.render("core/webhook.html", context)
}

async fn show_one(
    can: Can<WebhookRead>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
    wanted: Wanted<Delivery>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let endpoint = endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?;
    let is_later = !wanted.is_first();
    let (deliveries, next) = log_in(&mut tx, |event| webhooks.may_hear(can.standing(), event), id, wanted).await?;
    let context = json!({
        "endpoint": shown(&endpoint), "secret": null, "deliveries": deliveries, "next": next, "is_later": is_later,
        "can_write": can.standing().may::<WebhookWrite>(),
    });
    let template = if page.is_fragment() { "core/fragments/webhook_log.html" } else { "core/webhook.html" };
    page.render(template, context)
}

/// A page of the deliveries to an endpoint, each with its attempts and, of events that the reader may hear of, what was sent.
async fn log_in(
    tx: &mut TenantTx,
    may_hear: impl Fn(&str) -> bool,
    endpoint: EndpointId,
    wanted: Wanted<Delivery>,
) -> Result<(Vec<Value>, Option<String>), DbError> {
    let mut query = wanted.query(SELECT);
    query.push_bind(tx.tenant()).push(" and delivery.endpoint_id = ").push_bind(endpoint);
    let List { items: deliveries, next, .. } = wanted.fetch(tx, query).await?;
    let ids: Vec<MessageId> = deliveries.iter().map(|delivery| delivery.id).collect();
    let (attempts, bodies) = (attempts_in(tx, endpoint, &ids).await?, bodies_in(tx, &ids).await?);
    let shown = |delivery: &Delivery| {
        let log: Vec<_> = attempts.iter().filter(|(id, _)| *id == delivery.id).map(|(_, attempt)| attempt).collect();
        let sent = bodies.get(&delivery.id).filter(|_| may_hear(&delivery.event)).map(|body| redact_sent_shortly(body));
        json!({
            "id": delivery.id, "webhook_id": delivery.webhook_id, "event": delivery.event, "at": delivery.at, "state": delivery.state,
            "due_at": delivery.due_at, "sent": sent, "log": log,
        })
    };
    Ok((deliveries.iter().map(shown).collect(), next))
}

async fn test(_: Can<WebhookWrite>, db: TenantDb, Path(id): Path<EndpointId>) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    test_send_in(&mut tx, id).await?;
    tx.commit().await?;
    Ok(to(id))
}

async fn remove(can: Can<WebhookWrite>, db: TenantDb, Path(id): Path<EndpointId>) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    endpoint_remove_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/webhooks"))
}

async fn replay(can: Can<WebhookWrite>, db: TenantDb, Path(DeliveryPath { id, message }): Path<DeliveryPath>) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    delivery_replay_in(&mut tx, can.actor(), id, message).await?;
    tx.commit().await?;
    Ok(to(id))
}

fn to(id: EndpointId) -> Redirect {
    Redirect::to(&format!("/webhooks/{id}"))
}
