//! Nothing is charged of whoever leaves: with the stand-in, over HTTP, while time goes by.

use reqwest::Method;
use saas_billing::{CustomerId, DevStripe, MIGRATIONS, Mirror, StripeGateway};
use saas_core::{Clock, Secret, SystemDb, TenantId, testing::TestDb};
use serde_json::Value;

use super::client::{Client, id};
use crate::departure::{becomes, cut_short};

const DAY: i64 = 86_400;

/// An organization that pays 49 dollars each month, and a clock that moves for it.
struct Payer {
    client: Client,
    test: TestDb,
    mirror: Mirror,
    tenant: TenantId,
    customer: CustomerId,
    subscription: String,
    clock: String,
    start: i64,
}

impl Payer {
    async fn new() -> Self {
        let client = Client::new().await;
        let test = TestDb::at(&[MIGRATIONS], Clock::system(), 10).await.unwrap();
        let mirror = Mirror::new(StripeGateway::new(&Secret::new(DevStripe::KEY), client.stripe.url()).unwrap());
        let tenant = test.tenant("acme").await;
        let start = "2027-03-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
        let clock = client.post("/v1/test_helpers/test_clocks", &[("frozen_time", &start.to_string())]).await;
        let (clock, noted) = (id(&clock).to_owned(), tenant.to_string());
        let form = [("test_clock", clock.as_str()), ("payment_method", "pm_card_visa"), ("metadata[saas_tenant]", &noted)];
        let (customer, price) = client.shop(&form).await;
        let form = [("customer", customer.as_str()), ("items[0][price]", &price), ("metadata[saas_plan]", "team")];
        let subscription = id(&client.post("/v1/subscriptions", &form).await).to_owned();
        let it = Self { client, test, mirror, tenant, customer: CustomerId::new(customer), subscription, clock, start };
        it.mirror.customer(&it.system(), &it.customer).await.unwrap();
        it
    }

    fn system(&self) -> SystemDb {
        self.test.db.system("a test settles")
    }

    async fn becomes(&self, state: &str) {
        becomes(&self.test, self.tenant, state).await;
        self.mirror.settle(&self.system(), self.tenant).await.unwrap();
    }

    async fn days_pass(&self, days: i64) {
        let path = format!("/v1/test_helpers/test_clocks/{}/advance", self.clock);
        self.client.post(&path, &[("frozen_time", &(self.start + days * DAY).to_string())]).await;
    }

    async fn held(&self) -> Value {
        self.client.get(&format!("/v1/subscriptions/{}?expand[]=latest_invoice", self.subscription)).await
    }

    /// How often somebody tried to charge it.
    async fn attempts(&self) -> i64 {
        let bills = self.client.get(&format!("/v1/invoices?customer={}&limit=100", self.customer)).await;
        bills["data"].as_array().unwrap().iter().map(|bill| bill["attempt_count"].as_i64().unwrap()).sum()
    }
}

/// From the moment that somebody wants it deleted nothing is charged; brought back in time, it goes on and is.
#[tokio::test]
async fn nothing_is_charged_of_whoever_leaves_and_what_is_brought_back_goes_on() {
    let payer = Payer::new().await;
    payer.becomes("leaving").await;
    assert_eq!((payer.held().await["status"].clone(), payer.attempts().await), ("active".into(), 1));
    payer.days_pass(20).await;
    payer.becomes("active").await;
    payer.days_pass(40).await;
    assert_eq!((payer.held().await["status"].clone(), payer.attempts().await), ("active".into(), 2));
    payer.becomes("leaving").await;
    payer.days_pass(69).await;
    assert_eq!((payer.held().await["status"].clone(), payer.attempts().await), ("canceled".into(), 2));
    payer.becomes("active").await;
    payer.days_pass(400).await;
    assert_eq!(payer.attempts().await, 2, "what is over stays so");
}

/// What is owed is not asked for again.
#[tokio::test]
async fn what_is_owed_by_whoever_leaves_is_not_tried_again() {
    let payer = Payer::new().await;
    let card = [("payment_method", "pm_card_chargeCustomerFail")];
    payer.client.post(&format!("/v1/customers/{}", payer.customer), &card).await;
    payer.days_pass(32).await;
    assert_eq!((payer.held().await["status"].clone(), payer.attempts().await), ("past_due".into(), 2));
    payer.becomes("leaving").await;
    payer.days_pass(70).await;
    let held = payer.held().await;
    assert_eq!((&held["status"], payer.attempts().await), (&"canceled".into(), 2));
    assert!(held["latest_invoice"]["next_payment_attempt"].is_null());
}

/// At its end the customer is gone at once with all that it pays for, however often whoever does it is killed; its invoices stay.
#[tokio::test]
async fn at_its_end_its_customer_is_gone_and_its_invoices_stay() {
    let payer = Payer::new().await;
    becomes(&payer.test, payer.tenant, "deleted").await;
    let mut cuts = 0;
    for polls in 1.. {
        if let Some(done) = cut_short(payer.mirror.settle(&payer.system(), payer.tenant), polls).await {
            done.unwrap();
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 5, "it was cut short {cuts} times alone");
    assert_eq!(payer.client.get(&format!("/v1/customers/{}", payer.customer)).await["deleted"], true);
    payer.days_pass(400).await;
    assert_eq!((payer.held().await["status"].clone(), payer.attempts().await), ("canceled".into(), 1));
    // Who deletes what is deleted is told that there is nothing, and that is as good.
    assert_eq!(payer.client.refused(Method::DELETE, &format!("/v1/customers/{}", payer.customer), &[]).await.0, 404);
    payer.mirror.gateway().customer_delete(&payer.customer).await.unwrap();
    let mut tx = payer.system().begin().await.unwrap();
    let kept: (i64, i64) = sqlx::query_as(
        "select (select count(*) from billing.invoice where state = 'paid'), (select count(*) from billing.customer where deleted_at is not null)",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!(kept, (1, 1));
}
