//! What the gateway tells us: checked against the raw bytes, stored once, answered. Nothing else happens here; what follows is a job of the same
//! transaction.
//!
//! ```
//! use saas_billing::{Inbox, Mode, NoSecret};
//! use saas_core::{Db, Routes, Secret};
//!
//! fn routes(db: &Db, secret: Secret) -> Result<Routes, NoSecret> {
//!     Ok(Inbox::new(db, [secret], Mode::Live)?.routes())
//! }
//! ```

mod signature;

use std::{fmt, sync::Arc};

use axum::extract::{FromRequest, Request, State};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_core::{
    Access as RouteAccess, Db, DbError, Declares, JobOptions, Json, Lane, Operation, Problem, ProblemType, Routes, Secret, job_system_in,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::query_scalar;
use utoipa::ToSchema;

pub use signature::SignatureError;

use crate::mirror::EventArrived;

/// Whether real money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Live,
    /// It does not.
    Test,
}

/// Where the gateway sends its events. Cheap to clone.
#[derive(Clone)]
pub struct Inbox(Arc<Inner>);

struct Inner {
    db: Db,
    secrets: Vec<Secret>,
    mode: Mode,
}

/// There is no secret to check signatures with, so anybody could say that they have paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is missing or empty: without one anybody could say that they have paid")]
pub struct NoSecret;

impl Inbox {
    /// Takes what is signed with one of these secrets: two while one takes the other's place.
    ///
    /// # Errors
    ///
    /// Fails without a secret, or with an empty one.
    pub fn new(db: &Db, secrets: impl IntoIterator<Item = Secret>, mode: Mode) -> Result<Self, NoSecret> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        if secrets.is_empty() || secrets.iter().any(|secret| secret.expose().trim().is_empty()) {
            return Err(NoSecret);
        }
        Ok(Self(Arc::new(Inner { db: db.clone(), secrets, mode })))
    }

    /// The route that the gateway calls. Outside of everything that asks who is calling: the signature says so.
    pub fn routes(&self) -> Routes {
        Routes::new()
            .post(["/api/v1/billing/webhook", "/api/billing/webhook"], receive)
            .about("Takes an event of the payment gateway, by its signature")
            .with_state(self.clone())
    }

    /// Stores an event, once, and has it worked on; says whether it is new.
    async fn keep(&self, signed: &Signed) -> Result<bool, DbError> {
        let mut tx = self.0.db.system("keep an event of the payment gateway").begin().await?;
        let now = tx.now();
        let head = Head::of(&signed.0);
        // What cannot be read has a name all the same, and is looked at by people.
        let id = head.as_ref().map_or_else(|| format!("unreadable-{}", hex(&Sha256::digest(&signed.0))), |head| head.id.clone());
        let state = match &head {
            None => "unreadable",
            Some(head) if head.account.is_some() || head.livemode != (self.0.mode == Mode::Live) => "foreign",
            Some(_) => "waiting",
        };
        let kept = query_scalar!(
            r#"insert into billing.gateway_event (id, kind, body, state, happened_at, received_at) values ($1, $2, $3, $4, $5, $6)
            on conflict (id) do nothing returning true as "kept!""#,
            id,
            head.as_ref().map(|head| head.kind.as_str()),
            &signed.0[..],
            state,
            head.as_ref().and_then(|head| DateTime::<Utc>::from_timestamp(head.created, 0)),
            now,
        )
        .fetch_optional(&mut *tx)
        .await?
        .unwrap_or_default();
        if kept && state == "waiting" {
            let options = JobOptions::new().lane(Lane::Urgent);
            job_system_in(&mut tx, None, &EventArrived { id: id.clone() }, options).await?;
        }
        tx.commit().await?;
        if kept && state != "waiting" {
            tracing::error!(event.id = id, event.state = state, "an event of the payment gateway is not worked on");
        }
        Ok(kept)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("mode", &self.0.mode).finish_non_exhaustive()
    }
}

/// As much of an event as must be known to keep it; everything else is asked for.
#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    livemode: bool,
    account: Option<String>,
}

impl Head {
    fn of(body: &[u8]) -> Option<Self> {
        let head = serde_json::from_slice::<Self>(body).ok()?;
        (1..=200).contains(&head.id.len()).then_some(head)
    }
}

/// A body that was signed with one of the secrets, just now.
struct Signed(Bytes);

impl FromRequest<Inbox> for Signed {
    type Rejection = Problem;

    async fn from_request(request: Request, inbox: &Inbox) -> Result<Self, Problem> {
        let header = request.headers().get("stripe-signature").cloned();
        let body = Bytes::from_request(request, inbox).await.map_err(|rejection| {
            let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
            Problem::new(if is_large { &ProblemType::TOO_LARGE } else { &ProblemType::BAD_REQUEST }).because(rejection)
        })?;
        match signature::check(header.as_ref(), &body, &inbox.0.secrets, inbox.0.db.clock().now()) {
            Ok(()) => Ok(Self(body)),
            Err(error) => {
                tracing::warn!(security.event = "billing.webhook.refused", reason = %error, "an event that the payment gateway did not sign");
                Err(Problem::new(&ProblemType::BAD_REQUEST).detail("the signature does not fit").because(error))
            }
        }
    }
}

impl Declares for Signed {
    fn access() -> RouteAccess {
        RouteAccess::provider()
    }

    fn describe(operation: &mut Operation) {
        operation.problem(&ProblemType::BAD_REQUEST);
        operation.problem(&ProblemType::TOO_LARGE);
    }
}

/// It need not come again.
#[derive(Debug, Serialize, ToSchema)]
struct Received {
    received: bool,
}

async fn receive(State(inbox): State<Inbox>, signed: Signed) -> Result<Json<Received>, Problem> {
    inbox.keep(&signed).await?;
    Ok(Json(Received { received: true }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
