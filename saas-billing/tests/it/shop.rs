//! An application that the payment gateway calls, and the gateway.

use axum::body::Body;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode};
use saas_billing::{
    CustomerId, Inbox, Invoice, InvoiceId, InvoiceState, MIGRATIONS, MemoryGateway, Mirror, MirrorError, Mode, Money, Subscription,
    SubscriptionId, Worked,
};
use saas_core::{
    Clock, Db, Secret, TenantId, finish,
    pages::Pages,
    testing::{TestApp, TestDb},
};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::given::month;

pub(crate) const SECRET: &str = "whsec_of_a_test";

pub(crate) struct Shop {
    pub(crate) test: TestDb,
    pub(crate) gateway: MemoryGateway,
    pub(crate) mirror: Mirror,
    app: TestApp,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        Self::at(Clock::system()).await
    }

    pub(crate) async fn at(clock: Clock) -> Self {
        let test = TestDb::at(&[MIGRATIONS], clock, 20).await.unwrap();
        let gateway = MemoryGateway::new();
        let app = served(&test, &[SECRET]);
        Self { mirror: Mirror::new(gateway.clone()), gateway, app, test }
    }

    /// The same, but for the secrets.
    pub(crate) fn with_secrets(self, secrets: &[&str]) -> Self {
        Self { app: served(&self.test, secrets), ..self }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.test.db.clock().now()
    }

    /// Sends these bytes with this header.
    pub(crate) async fn post(&self, header: Option<&str>, body: impl Into<Bytes>) -> StatusCode {
        let mut request = Request::post("/api/billing/webhook").header("host", "localhost:3000").header("content-type", "application/json");
        if let Some(header) = header {
            request = request.header("stripe-signature", header);
        }
        let body: Bytes = body.into();
        self.app.browser().send(request.body(Body::from(body)).unwrap()).await.status
    }

    /// An event arrives, rightly signed.
    pub(crate) async fn hears(&self, event: &Value) -> StatusCode {
        let body = event.to_string();
        self.post(Some(&signed(SECRET, self.now(), body.as_bytes())), body).await
    }

    pub(crate) async fn get(&self) -> StatusCode {
        self.app.browser().get("/api/billing/webhook").await.status
    }

    /// Works on an event, as a job does.
    pub(crate) async fn works_on(&self, id: &str) -> Result<Worked, MirrorError> {
        self.mirror.event(&self.test.db.system("a test works on an event"), id).await
    }

    /// A tenant that is a customer.
    pub(crate) async fn customer(&self, slug: &str) -> (TenantId, CustomerId) {
        let tenant = self.test.tenant(slug).await;
        let customer = self.mirror.customer_of(&self.test.db.system("a test makes a customer"), tenant).await.unwrap();
        (tenant, customer)
    }

    /// A number that the database counts.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let mut tx = self.test.db.system("a test counts").begin().await.unwrap();
        sqlx::query_scalar(query).fetch_one(&mut *tx).await.unwrap()
    }

    /// What a tenant was told of, in order.
    pub(crate) async fn told(&self, tenant: TenantId) -> Vec<String> {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        sqlx::query_scalar("select name from outbox order by at, id").fetch_all(&mut *tx).await.unwrap()
    }

    /// What is stored of a tenant's subscriptions: their states.
    pub(crate) async fn states(&self, tenant: TenantId) -> Vec<String> {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        sqlx::query_scalar("select state from billing.subscription order by id").fetch_all(&mut *tx).await.unwrap()
    }

    /// A month of the team plan.
    pub(crate) fn month(&self, tenant: TenantId, state: saas_billing::SubscriptionState) -> Subscription {
        month(&self.test, tenant, state)
    }

    /// The invoice of that month.
    pub(crate) fn invoice(&self, of: &Subscription, state: InvoiceState, attempts: u32) -> Invoice {
        let total = Money::of(4_900, of.currency);
        let paid = if state == InvoiceState::Paid { 4_900 } else { 0 };
        Invoice {
            id: InvoiceId::new(format!("in_{}", of.id)),
            subscription: Some(SubscriptionId::clone(&of.id)),
            number: Some("A-1".to_owned()),
            state,
            total,
            paid,
            due: 4_900 - paid,
            attempts,
            next_attempt_at: None,
            page: None,
            pdf: None,
            created_at: of.created_at,
            paid_at: (paid > 0).then(|| self.now()),
        }
    }
}

fn served(test: &TestDb, secrets: &[&str]) -> TestApp {
    let secrets = secrets.iter().map(|secret| Secret::new(*secret));
    let inbox = Inbox::new(&test.db, secrets, Mode::Test).unwrap();
    TestApp::new(finish(inbox.routes(), TestApp::web(test, &Pages::builder().build().unwrap())))
}

/// Another inbox over the same database, of another mode.
pub(crate) fn live_inbox(db: &Db) -> Result<Inbox, saas_billing::NoSecret> {
    Inbox::new(db, [Secret::new(SECRET)], Mode::Live)
}

/// The header that signs a body at a time.
pub(crate) fn signed(secret: &str, at: DateTime<Utc>, body: &[u8]) -> String {
    format!("t={},v1={}", at.timestamp(), signature(secret, at, body))
}

pub(crate) fn signature(secret: &str, at: DateTime<Utc>, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.", at.timestamp()).as_bytes());
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An event as the gateway writes it.
pub(crate) fn event(id: &str, kind: &str, customer: &CustomerId) -> Value {
    json!({
        "id": id, "object": "event", "type": kind, "created": 1_780_000_000, "livemode": false,
        "data": { "object": { "id": "x_1", "object": "x", "customer": customer } },
    })
}
