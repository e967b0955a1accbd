//! Webhooks for programs.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Attempt, Delivery, DeliveryState, Endpoint, EndpointError, EndpointId, EndpointState, WebhookRead, WebhookWrite, Webhooks,
    delivery::{DeliveryPath, SELECT, attempts_in, bodies_in, delivery_in, delivery_replay_in, test_send_in},
    endpoint::{endpoint_change_in, endpoint_in, endpoint_remove_in},
    page,
    redact::redact_sent,
};
use crate::{Accepted, Can, Created, FieldError, Json, List, NoContent, Path, Problem, Routes, TenantDb, Validate, Wanted};

impl Webhooks {
    /// The pages and the API, to be merged below a tenancy layer.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        Routes::new()
            .get("/api/v1/webhooks", list)
            .about("The organization's webhook endpoints.")
            .post("/api/v1/webhooks", create)
            .about("Adds a webhook endpoint. Its secret is in the answer.")
            .get("/api/v1/webhooks/{id}", read)
            .about("One webhook endpoint.")
            .patch("/api/v1/webhooks/{id}", change)
            .about("Changes, pauses or resumes a webhook endpoint.")
            .delete("/api/v1/webhooks/{id}", remove)
            .about("Removes a webhook endpoint, and all that waits for it.")
            .post("/api/v1/webhooks/{id}/rotate", rotate)
            .about("Gives a webhook endpoint a new secret. For 24 hours the one before signs beside it.")
            .post("/api/v1/webhooks/{id}/reveal", reveal)
            .about("The secret that a webhook endpoint's deliveries are signed with.")
            .post("/api/v1/webhooks/{id}/test", test)
            .about("Sends an event that means nothing to a webhook endpoint.")
            .get("/api/v1/webhooks/{id}/deliveries", deliveries)
            .about("What was sent to a webhook endpoint, or is to be.")
            .get("/api/v1/webhooks/{id}/deliveries/{message}", delivery)
            .about("One delivery, what was sent, and how each attempt went.")
            .post("/api/v1/webhooks/{id}/deliveries/{message}/replay", replay)
            .about("Delivers a message once more, under the same id.")
            .with_state(self.clone())
            .merge(page::routes(self))
    }
}

/// A webhook endpoint that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhookEndpoint {
    /// An https address on port 443 or 8443.
    url: String,
    /// What people call it.
    #[serde(default)]
    description: String,
    /// The events that it hears of, by name or by the beginning of their names (`monitoring.*`). Empty: all.
    #[serde(default)]
    events: Vec<String>,
}

impl Validate for NewWebhookEndpoint {}

/// What of a webhook endpoint is to be different. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedWebhookEndpoint {
    url: Option<String>,
    description: Option<String>,
    events: Option<Vec<String>>,
    /// `active` or `paused`.
    state: Option<EndpointState>,
}

impl Validate for ChangedWebhookEndpoint {
    fn validate(&self) -> Vec<FieldError> {
        match self.state {
            Some(EndpointState::Gone | EndpointState::Failing) => vec![FieldError::new("/state", "must be active or paused")],
            _ => Vec::new(),
        }
    }
}

/// A new webhook endpoint and its secret.
#[derive(Serialize, ToSchema)]
struct AddedWebhookEndpoint {
    #[serde(flatten)]
    endpoint: Endpoint,
    /// What its deliveries are signed with.
    secret: String,
}

/// What a webhook endpoint's deliveries are signed with.
#[derive(Serialize, ToSchema)]
struct WebhookSecret {
    /// `whsec_` and 32 bytes in base64.
    secret: String,
}

/// A delivery, what was sent and how each attempt went.
#[derive(Serialize, ToSchema)]
struct WebhookDeliveryLog {
    #[serde(flatten)]
    delivery: Delivery,
    /// What was sent, without what looks like a secret; null for whoever may not hear of the event.
    sent: Option<String>,
    /// The first first.
    log: Vec<Attempt>,
}

/// Which deliveries.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct DeliveryFilter {
    /// Only those that are so far.
    state: Option<DeliveryState>,
    /// Only those of this event.
    event: Option<String>,
}

async fn list(_: Can<WebhookRead>, db: TenantDb, wanted: Wanted<Endpoint>) -> Result<List<Endpoint>, Problem> {
    let mut tx = db.begin().await?;
    let mut query =
        wanted.query("select id, url, description, events, state, failing_since, created_at from webhook_endpoint where tenant_id = ");
    query.push_bind(tx.tenant());
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn create(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Json(new): Json<NewWebhookEndpoint>,
) -> Result<Created<AddedWebhookEndpoint>, Problem> {
    let described = webhooks.describe(can.standing(), &new.url, &new.description, &new.events)?;
    let mut tx = db.begin().await?;
    let (endpoint, secret) = webhooks.endpoint_add_in(&mut tx, can.actor(), described).await?;
    tx.commit().await?;
    Ok(Created(AddedWebhookEndpoint { endpoint, secret: secret.expose().to_owned() }))
}

async fn read(_: Can<WebhookRead>, db: TenantDb, Path(id): Path<EndpointId>) -> Result<Json<Endpoint>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?))
}

async fn change(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
    Json(new): Json<ChangedWebhookEndpoint>,
) -> Result<Json<Endpoint>, Problem> {
    let mut tx = db.begin().await?;
    let old = endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?;
    let (url, description) = (new.url.unwrap_or(old.url), new.description.unwrap_or(old.description));
    let described = webhooks.describe(can.standing(), &url, &description, &new.events.unwrap_or(old.events))?;
    let endpoint = endpoint_change_in(&mut tx, can.actor(), id, described, new.state.unwrap_or(old.state)).await?;
    tx.commit().await?;
    Ok(Json(endpoint))
}

async fn remove(can: Can<WebhookWrite>, db: TenantDb, Path(id): Path<EndpointId>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    endpoint_remove_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn rotate(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
) -> Result<Json<WebhookSecret>, Problem> {
    let mut tx = db.begin().await?;
    let secret = webhooks.secret_rotate_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(Json(WebhookSecret { secret: secret.expose().to_owned() }))
}

/// A `POST`, because it is written down that somebody looked.
async fn reveal(
    can: Can<WebhookWrite>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(id): Path<EndpointId>,
) -> Result<Json<WebhookSecret>, Problem> {
    let mut tx = db.begin().await?;
    let secret = webhooks.secret_reveal_in(&mut tx, can.actor(), id).await?;
    tx.commit().await?;
    Ok(Json(WebhookSecret { secret: secret.expose().to_owned() }))
}

async fn test(_: Can<WebhookWrite>, db: TenantDb, Path(id): Path<EndpointId>) -> Result<Accepted<Delivery>, Problem> {
    let mut tx = db.begin().await?;
    let delivery = test_send_in(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Accepted(delivery))
}

async fn deliveries(
    _: Can<WebhookRead>,
    db: TenantDb,
    Path(id): Path<EndpointId>,
    wanted: Wanted<Delivery, DeliveryFilter>,
) -> Result<List<Delivery>, Problem> {
    let mut tx = db.begin().await?;
    endpoint_in(&mut tx, id).await?.ok_or(EndpointError::NotFound)?;
    let mut query = wanted.query(SELECT);
    query.push_bind(tx.tenant()).push(" and delivery.endpoint_id = ").push_bind(id);
    if let Some(state) = wanted.filter.state {
        query.push(" and delivery.state = ").push_bind(state);
    }
    if let Some(event) = &wanted.filter.event {
        query.push(" and message.event = ").push_bind(event.clone());
    }
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn delivery(
    can: Can<WebhookRead>,
    db: TenantDb,
    State(webhooks): State<Webhooks>,
    Path(DeliveryPath { id, message }): Path<DeliveryPath>,
) -> Result<Json<WebhookDeliveryLog>, Problem> {
    let mut tx = db.begin().await?;
    let delivery = delivery_in(&mut tx, id, message).await?.ok_or_else(Problem::not_found)?;
    let log = attempts_in(&mut tx, id, &[message]).await?.into_iter().map(|(_, attempt)| attempt).collect();
    let body = bodies_in(&mut tx, &[message]).await?.remove(&message);
    let sent = body.filter(|_| webhooks.may_hear(can.standing(), &delivery.event)).map(|body| redact_sent(&body));
    Ok(Json(WebhookDeliveryLog { delivery, sent, log }))
}

async fn replay(
    can: Can<WebhookWrite>,
    db: TenantDb,
    Path(DeliveryPath { id, message }): Path<DeliveryPath>,
) -> Result<Accepted<Delivery>, Problem> {
    let mut tx = db.begin().await?;
    let delivery = delivery_replay_in(&mut tx, can.actor(), id, message).await?;
    tx.commit().await?;
    Ok(Accepted(delivery))
}
