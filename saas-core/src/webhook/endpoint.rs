//! Endpoints and their secrets.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    EndpointId, WebhookEndpointAdded, WebhookEndpointChanged, WebhookEndpointRemoved, WebhookSecretRevealed, WebhookSecretRotated,
    Webhooks, filter::EventFilter, secret::SigningSecret,
};
use crate::{
    Actor, Change, DbError, Listed, OpenError, Order, OrderBy, Problem, ProblemType, Secret, Standing, TenantTx, event_in, wrong::Wrong,
};

/// How long the secret before still signs, beside the new one.
const OVERLAP: TimeDelta = TimeDelta::hours(24);
/// How many secrets before may sign at once.
const OVERLAPPING: i64 = 10;

/// Whether an endpoint is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum EndpointState {
    /// It is.
    Active,
    /// Somebody said: not for now. What waits for it goes on waiting.
    Paused,
    /// It said that it is gone (410).
    Gone,
    /// It did nothing but fail for 120 hours.
    Failing,
}

/// A place that is told what happens.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = WebhookEndpoint)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where it is.
    pub url: String,
    /// What people call it.
    pub description: String,
    /// The events that it hears of, by name or by the beginning of their names (`monitoring.*`). Empty: all.
    pub events: Vec<String>,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// Since when it has done nothing but fail.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl Listed for Endpoint {
    const ORDERS: &'static [Order] = &[Order::new("created_at", "created_at", OrderBy::Time), Order::new("url", "url", OrderBy::Text)];
}

impl Endpoint {
    /// What of its address is no secret.
    pub(super) fn host(&self) -> String {
        host(&self.url)
    }
}

pub(super) fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(ToOwned::to_owned)).unwrap_or_default()
}

/// An endpoint as somebody described it, checked.
#[derive(Debug)]
pub(super) struct Described {
    url: String,
    description: String,
    events: Vec<String>,
}

/// An endpoint cannot be added, changed or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is none with this id.
    #[error("there is no such endpoint")]
    NotFound,
    /// There are as many as there may be.
    #[error("there are {0} endpoints, and there may be no more")]
    TooMany(u16),
    /// The secret cannot be read.
    #[error("the secret cannot be read")]
    Secret(#[from] OpenError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for EndpointError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<EndpointError> for Problem {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::NotFound => Self::not_found(),
            EndpointError::TooMany(_) => Self::new(&ProblemType::CONFLICT).detail(error.to_string()),
            EndpointError::Secret(error) => Self::internal(error),
            EndpointError::Database(error) => error.into(),
        }
    }
}

impl Webhooks {
    /// Checks what somebody wrote. `standing` must hold the permissions of all events that the endpoint will hear of: an endpoint must not
    /// be a way to hear of more than one may.
    pub(super) fn describe(&self, standing: &Standing, url: &str, description: &str, events: &[String]) -> Result<Described, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let url = url.trim();
        let parsed = Url::parse(url).ok().filter(|_| url.len() <= 2000).filter(|url| self.0.outbound.check(url).is_ok());
        if parsed.is_none() {
            let words = "must be an https address, on port 443 or 8443, that can be reached from everywhere";
            wrong.push(Wrong { field: "url", text: "core-webhook-error-url", words });
        }
        let description = description.trim();
        if description.chars().count() > 200 || description.contains(char::is_control) {
            let words = "must have at most 200 characters, none of them a control character";
            wrong.push(Wrong { field: "description", text: "core-webhook-error-description", words });
        }
        let filters: Result<Vec<EventFilter>, _> = events.iter().map(|event| event.parse()).collect();
        let filters =
            filters.ok().filter(|filters| filters.len() <= 100 && filters.iter().all(|it| self.kinds().any(|kind| it.matches(kind))));
        match &filters {
            None => {
                let words = "must be names of events in the catalogue, or beginnings such as monitoring.*";
                wrong.push(Wrong { field: "events", text: "core-webhook-error-events", words });
            }
            Some(filters) => {
                let mut heard = self.kinds().filter(|kind| filters.is_empty() || filters.iter().any(|filter| filter.matches(kind)));
                if !heard.all(|kind| kind.permission.is_some_and(|name| standing.permissions.contains(&name))) {
                    let words = "must be events that you may hear of yourself";
                    wrong.push(Wrong { field: "events", text: "core-webhook-error-events-forbidden", words });
                }
            }
        }
        match (parsed, filters) {
            (Some(url), Some(filters)) if wrong.is_empty() => {
                let mut events: Vec<_> = filters.iter().map(EventFilter::to_string).collect();
                events.sort_unstable();
                events.dedup();
                Ok(Described { url: url.into(), description: description.to_owned(), events })
            }
            _ => Err(wrong),
        }
    }

    /// What endpoints can hear of.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &crate::EventKind> {
        self.0.catalogue.kinds().iter().filter(|kind| kind.permission.is_some())
    }

    /// Whether somebody may hear of an event, and so see what was sent of it. A test means nothing.
    pub(super) fn may_hear(&self, by: &Standing, event: &str) -> bool {
        let is_held = |kind: &crate::EventKind| kind.permission.is_some_and(|name| by.permissions.contains(&name));
        event == super::message::TEST || self.kinds().any(|kind| kind.name == event && is_held(kind))
    }

    /// Adds an endpoint and makes its secret.
    pub(super) async fn endpoint_add_in(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        new: Described,
    ) -> Result<(Endpoint, Secret), EndpointError> {
        let most = self.0.settings.endpoints;
        let (tenant, id, now) = (tx.tenant().map(Uuid::from), EndpointId::new(), tx.now());
        // Of two at once that would be the last, each would count without the other.
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('webhook_endpoint ' || $1::uuid::text, 0))", tenant)
            .execute(&mut **tx)
            .await?;
        let added = sqlx::query!(
            r#"insert into webhook_endpoint (tenant_id, id, url, description, events, created_at)
            select $1, $2, $3, $4, $5, $6
            where (select count(*) from webhook_endpoint where tenant_id = $1) < $7"#,
            tenant,
            Uuid::from(id),
            new.url,
            new.description,
            &new.events,
            now,
            i64::from(most),
        )
        .execute(&mut **tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(EndpointError::TooMany(most));
        }
        let secret = self.secret_add_in(tx, id).await?;
        event_in(tx, actor, id, &WebhookEndpointAdded { host: host(&new.url), events: new.events.clone() }).await?;
        let endpoint = Endpoint {
            id,
            url: new.url,
            description: new.description,
            events: new.events,
            state: EndpointState::Active,
            failing_since: None,
            created_at: now,
        };
        Ok((endpoint, secret))
    }

    async fn secret_add_in(&self, tx: &mut TenantTx, endpoint: EndpointId) -> Result<Secret, EndpointError> {
        let (secret, id, now) = (SigningSecret::generate(), Uuid::now_v7(), tx.now());
        let tenant = tx.tenant().ok_or(EndpointError::NotFound)?;
        sqlx::query!(
            "insert into webhook_secret (tenant_id, id, endpoint_id, sealed, created_at) values ($1, $2, $3, $4, $5)",
            Uuid::from(tenant),
            id,
            Uuid::from(endpoint),
            secret.seal(&self.0.keys, tenant, endpoint, id),
            now,
        )
        .execute(&mut **tx)
        .await?;
        Ok(secret.text())
    }

    /// Gives an endpoint a new secret. Those before sign beside it until they expire.
    pub(super) async fn secret_rotate_in(&self, tx: &mut TenantTx, actor: Actor, id: EndpointId) -> Result<Secret, EndpointError> {
        let endpoint = endpoint_lock_in(tx, id).await?;
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        sqlx::query!(
            r#"delete from webhook_secret
            where tenant_id = $1 and endpoint_id = $2
                and (expires_at <= $3 or id in (
                    select id from webhook_secret
                    where tenant_id = $1 and endpoint_id = $2
                    order by created_at desc, id desc
                    offset $4
                ))"#,
            tenant,
            Uuid::from(id),
            now,
            OVERLAPPING,
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            "update webhook_secret set expires_at = $3 where tenant_id = $1 and endpoint_id = $2 and expires_at is null",
            tenant,
            Uuid::from(id),
            now + OVERLAP,
        )
        .execute(&mut **tx)
        .await?;
        let secret = self.secret_add_in(tx, id).await?;
        event_in(tx, actor, id, &WebhookSecretRotated { host: endpoint.host() }).await?;
        Ok(secret)
    }

    /// The secret that a receiver should know by now.
    pub(super) async fn secret_reveal_in(&self, tx: &mut TenantTx, actor: Actor, id: EndpointId) -> Result<Secret, EndpointError> {
        let endpoint = endpoint_in(tx, id).await?.ok_or(EndpointError::NotFound)?;
        let tenant = tx.tenant().ok_or(EndpointError::NotFound)?;
        let row = sqlx::query!(
            "select id, sealed from webhook_secret where tenant_id = $1 and endpoint_id = $2 and expires_at is null",
            Uuid::from(tenant),
            Uuid::from(id),
        )
        .fetch_one(&mut **tx)
        .await?;
        event_in(tx, actor, id, &WebhookSecretRevealed { host: endpoint.host() }).await?;
        Ok(SigningSecret::open(&self.0.keys, tenant, id, row.id, &row.sealed)?.text())
    }
}

/// All endpoints of the tenant, the oldest first.
pub(super) async fn endpoints_in(tx: &mut TenantTx) -> Result<Vec<Endpoint>, DbError> {
    let endpoints = sqlx::query_as!(
        Endpoint,
        r#"select id as "id: EndpointId", url, description, events, state as "state: EndpointState", failing_since, created_at
        from webhook_endpoint where tenant_id = $1 order by created_at, id"#,
        tx.tenant().map(Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(endpoints)
}

pub(super) async fn endpoint_in(tx: &mut TenantTx, id: EndpointId) -> Result<Option<Endpoint>, DbError> {
    let endpoint = sqlx::query_as!(
        Endpoint,
        r#"select id as "id: EndpointId", url, description, events, state as "state: EndpointState", failing_since, created_at
        from webhook_endpoint where tenant_id = $1 and id = $2"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(id),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(endpoint)
}

/// The endpoint as it is now and stays until the end of the transaction.
async fn endpoint_lock_in(tx: &mut TenantTx, id: EndpointId) -> Result<Endpoint, EndpointError> {
    sqlx::query_as!(
        Endpoint,
        r#"select id as "id: EndpointId", url, description, events, state as "state: EndpointState", failing_since, created_at
        from webhook_endpoint where tenant_id = $1 and id = $2 for no key update"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(id),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(EndpointError::NotFound)
}

/// Changes an endpoint. Resumed, or under another address, it starts without a past.
pub(super) async fn endpoint_change_in(
    tx: &mut TenantTx,
    actor: Actor,
    id: EndpointId,
    new: Described,
    state: EndpointState,
) -> Result<Endpoint, EndpointError> {
    let old = endpoint_lock_in(tx, id).await?;
    let begins_anew = state != old.state || new.url != old.url;
    let failing_since = old.failing_since.filter(|_| !begins_anew);
    sqlx::query!(
        r#"update webhook_endpoint
        set url = $3, description = $4, events = $5, state = $6, failing_since = $7, rests_until = case when $8 then null else rests_until end
        where tenant_id = $1 and id = $2"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(id),
        new.url,
        new.description,
        &new.events,
        state as EndpointState,
        failing_since,
        begins_anew,
    )
    .execute(&mut **tx)
    .await?;
    if state == EndpointState::Active && old.state != state {
        super::worker::wake_in(tx).await?;
    }
    let changed = WebhookEndpointChanged {
        host: Change::new(old.host(), host(&new.url)),
        readdressed: new.url != old.url,
        description: Change::new(old.description.clone(), new.description.clone()),
        events: Change::new(old.events.clone(), new.events.clone()),
        state: Change::new(old.state, state),
    };
    event_in(tx, actor, id, &changed).await?;
    Ok(Endpoint { url: new.url, description: new.description, events: new.events, state, failing_since, ..old })
}

/// Removes an endpoint, its secrets and all that was or is to be delivered to it.
pub(super) async fn endpoint_remove_in(tx: &mut TenantTx, actor: Actor, id: EndpointId) -> Result<(), EndpointError> {
    let endpoint = endpoint_lock_in(tx, id).await?;
    sqlx::query!("delete from webhook_endpoint where tenant_id = $1 and id = $2", tx.tenant().map(Uuid::from), Uuid::from(id))
        .execute(&mut **tx)
        .await?;
    event_in(tx, actor, id, &WebhookEndpointRemoved { host: endpoint.host() }).await?;
    Ok(())
}
