//! MET-01, MET-02: usage as a record.

mod counts;
mod events;

use std::{collections::BTreeMap, num::NonZeroU32};

use chrono::{DateTime, Utc};
use saas_billing::{Billing, By, Meter, Recorded, Tool, Use, UseError};
use saas_core::{AgentId, KeyId, TenantId, UserId, testing::TestDb};
use sqlx::Row as _;
use uuid::Uuid;

const MESSAGES: Meter = Meter::new("messages");
const SEARCHES: Meter = Meter::new("searches");

/// By tenant, meter, hour, kind and id.
type Sums = BTreeMap<(TenantId, String, DateTime<Utc>, String, String), i64>;

/// All sums of all tenants, as the table has them.
async fn sums(test: &TestDb) -> Sums {
    read(test, "select tenant_id, meter, hour, by_kind, by_id, quantity from usage_hour").await
}

/// The same, added up from the events.
async fn sums_of_events(test: &TestDb) -> Sums {
    read(
        test,
        "select tenant_id, meter, date_trunc('hour', at, 'UTC'), by_kind, by_id, sum(quantity)::bigint from usage_event group by 1, 2, 3, 4, 5",
    )
    .await
}

async fn read(test: &TestDb, statement: &'static str) -> Sums {
    let mut tx = test.db.system("a test adds up").begin().await.unwrap();
    let rows = sqlx::query(statement).fetch_all(&mut *tx).await.unwrap();
    rows.iter().map(|row| ((row.get::<TenantId, _>(0), row.get(1), row.get(2), row.get(3), row.get(4)), row.get(5))).collect()
}

async fn total(test: &TestDb) -> i64 {
    sums(test).await.values().sum()
}

async fn record(test: &TestDb, billing: &Billing, tenant: TenantId, used: Use<'_>) -> Result<Recorded, UseError> {
    let mut tx = test.db.tenant(tenant).begin().await?;
    let recorded = billing.record_in(&mut tx, used).await?;
    tx.commit().await?;
    Ok(recorded)
}

fn some(quantity: u32) -> NonZeroU32 {
    NonZeroU32::new(quantity).unwrap()
}

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// Somebody of each kind, and who that is in the table.
fn somebody() -> [(By, &'static str, String); 5] {
    let id = Uuid::now_v7();
    [
        (By::User(UserId::from(id)), "user", id.to_string()),
        (By::Key(KeyId::from(id)), "key", id.to_string()),
        (By::Agent(AgentId::from(id)), "agent", id.to_string()),
        (By::Tool(Tool::new("export")), "tool", "export".to_owned()),
        (By::System, "system", String::new()),
    ]
}
