//! A database host that vanishes: nothing arrives any more, and no connection ends.

use std::time::{Duration, Instant};

use http::StatusCode;
use saas_core::{
    Clock, DatabaseConfig, Db, DbError, TenantId, finish,
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};

use crate::{
    borrower::{bodies, few, nobody_is_left_in_a_transaction, note},
    planted::config,
    proxy::Proxy,
};

struct Far {
    test: TestDb,
    proxy: Proxy,
    db: Db,
    client: TestClient,
}

impl Far {
    async fn new() -> Self {
        let test = few().await;
        let proxy = Proxy::start(&test.database.logins().app).await;
        let config = DatabaseConfig {
            app: proxy.through(&test.database.logins().app),
            system: proxy.through(&test.database.logins().system),
            ..config(&test)
        };
        let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
        let mut web = TestApp::web(&test, &Pages::builder().build().unwrap());
        web.db = db.clone();
        let client = TestApp::new(finish(saas_core::Routes::new(), web)).browser();
        Self { test, proxy, db, client }
    }

    async fn ready(&self) -> StatusCode {
        self.client.get("/health/ready").await.status
    }

    async fn works(&self) -> Result<(), DbError> {
        let mut tx = self.db.tenant(TenantId::new()).begin().await?;
        note(&mut tx, "after").await?;
        assert_eq!(bodies(&mut tx).await, ["after"]);
        tx.commit().await
    }
}

/// How long it took to be told that the database is away.
async fn refused<T: std::fmt::Debug>(what: impl Future<Output = Result<T, DbError>>) -> Duration {
    let began = Instant::now();
    let error = what.await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    began.elapsed()
}

/// Who asks is told within 5 s, who commits within 10 s; the readiness of a node turns within 2 s.
#[tokio::test]
async fn a_host_that_vanishes_is_noticed_and_costs_the_pool_nothing() {
    let far = Far::new().await;
    assert_eq!(far.ready().await, StatusCode::OK);
    let tenant = far.db.tenant(TenantId::new());
    let mut open = tenant.begin().await.unwrap();
    note(&mut open, "unconfirmed").await.unwrap();

    far.proxy.silent(true);
    let lost = Instant::now();
    let ready = async {
        while far.ready().await == StatusCode::OK {
            tokio::task::yield_now().await;
        }
        lost.elapsed()
    };
    let system = far.db.system("test");
    let (ready, begin, system, ping, commit) =
        tokio::join!(ready, refused(tenant.begin()), refused(system.begin()), refused(far.db.ping()), refused(open.commit()));
    assert!(ready <= Duration::from_secs(2), "{ready:?}");
    for asked in [begin, system, ping] {
        assert!(asked <= Duration::from_secs(6), "{asked:?}");
    }
    assert!(commit <= Duration::from_secs(11), "{commit:?}");

    far.proxy.silent(false);
    let back = Instant::now();
    while let Err(error) = far.works().await {
        assert!(error.is_unavailable() && back.elapsed() < Duration::from_secs(25), "{error:?}");
    }
    assert_eq!(far.ready().await, StatusCode::OK);
    nobody_is_left_in_a_transaction(&far.test).await;
}

#[tokio::test]
async fn connections_that_were_forgotten_on_the_way_are_replaced_without_an_error() {
    let far = Far::new().await;
    drop(far.db.tenant(TenantId::new()).begin().await.unwrap());
    far.proxy.forget();
    far.works().await.unwrap();
}
