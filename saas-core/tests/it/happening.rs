//! Events for tests: things that happen nowhere else.

use saas_core::{Actor, Change, Event, EventId, EventSeverity, Masked, Origin, Personal, TenantId, UserId, event_in, testing::TestDb};
use utoipa::ToSchema;

/// Somebody renamed a thing.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct Renamed {
    pub(crate) name: Change<String>,
    pub(crate) email: Personal<String>,
    pub(crate) code: Masked<String>,
}

impl Event for Renamed {
    const NAME: &'static str = "test.thing.renamed";
    const VERSION: i32 = 3;
    const TOPIC: &'static str = "things";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some("test.thing.read");
}

impl Renamed {
    pub(crate) fn from_a_to_b() -> Self {
        Self {
            name: Change::new("a".to_owned(), "b".to_owned()),
            email: Personal("ada@example.com".to_owned()),
            code: Masked("s3cr3t".to_owned()),
        }
    }
}

/// Nothing in particular happened.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct Happened {
    pub(crate) number: usize,
}

impl Event for Happened {
    const NAME: &'static str = "test.happened";
    const TOPIC: &'static str = "test";
    const PERMISSION: Option<&'static str> = None;
}

pub(crate) fn origin() -> Origin {
    Origin { address: Some("192.0.2.7".parse().unwrap()), user_agent: Some("curl/8".into()), request: Some(uuid::Uuid::now_v7()) }
}

/// Records so many events of a tenant, each in a transaction of its own.
pub(crate) async fn happen(test: &TestDb, tenant: TenantId, count: usize) -> Vec<EventId> {
    let user = UserId::new();
    let mut ids = Vec::new();
    for number in 0..count {
        let mut tx = test.db.tenant(tenant).caused_by(origin()).begin().await.unwrap();
        ids.push(event_in(&mut tx, Actor::User(user), number, &Happened { number }).await.unwrap());
        tx.commit().await.unwrap();
    }
    ids
}
