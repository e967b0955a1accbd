use std::collections::{BTreeMap, BTreeSet};

use leaky::{HOLES, MIGRATIONS, Mistake, Plant, compose};
use saas_core::{
    TenantId, finish,
    pages::Pages,
    testing::{
        TestApp, TestDb,
        isolation::{Report, Suite},
    },
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::people::People;

/// Everything, as an embedder runs it: one call.
async fn attack(test: &TestDb, mistake: Option<Mistake>, how: impl AsyncFnOnce(Suite<'_>) -> Report) -> Report {
    let pages = Pages::builder().add(saas_tenancy::PAGES).build().unwrap();
    let app = finish(compose(&test.db, mistake), TestApp::web(test, &pages));
    let people = People { test, app: TestApp::new(app.clone()) };
    let suite = Suite::new(test, &app, &people).source(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    how(suite.purge(|tenant| purge(test, tenant))).await
}

/// All that happens between the wish to delete an organization and its end.
async fn purge(test: &TestDb, tenant: TenantId) {
    let system = test.db.system("purge a tenant");
    let mut tx = system.begin().await.unwrap();
    sqlx::query("update core.tenant set state = 'deleted' where id = $1").bind(tenant).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    saas_core::tenant_purge(&system, &test.db.inventory(), &[], tenant).await.unwrap();
    let mut tx = system.begin().await.unwrap();
    saas_core::tenant_purged_in(&mut tx, tenant).await.unwrap();
    tx.commit().await.unwrap();
}

/// The product's own tables are enough to see a mistake of the product.
async fn quickly(suite: Suite<'_>) -> Report {
    suite.sparing_core().run().await.unwrap()
}

async fn planted(plant: Plant) -> Report {
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    match plant {
        Plant::Code(mistake) => attack(&test, Some(mistake), quickly).await,
        Plant::Migration(statements) => {
            let mut owner = PgConnection::connect(test.database.owner_url().expose()).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut owner).await.unwrap();
            owner.close().await.unwrap();
            attack(&test, None, quickly).await
        }
    }
}

/// DX-05, DX-06, CMP-06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_product_without_a_hole_has_nothing_to_find() {
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    let report = attack(&test, None, async |suite| suite.run().await.unwrap()).await;
    println!("{report}\n{}", report.matrix.as_ref().unwrap());
    report.assert_safe();
    for table in ["data.note", "data.remark", "core.member", "data.audit_entry"] {
        assert!(report.tables.iter().any(|attacked| attacked == table), "{table} was not attacked: {:?}", report.tables);
    }
    for route in ["GET /api/v1/notes/{id}", "POST /api/v1/notes/{id}/remarks", "DELETE /api/v1/notes/{id}", "GET /problems"] {
        assert!(report.routes.iter().any(|attacked| attacked == route), "{route} was not attacked: {:?}", report.routes);
    }
    assert!(report.attacks > 3_000, "{}", report.attacks);
}

/// What is found, by place.
fn by_place<'a>(found: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut places: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (attack, place) in found {
        places.entry(place).or_default().insert(attack);
    }
    places
}

/// DX-05, DX-06, CMP-06: a suite that finds nothing is not believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_hole_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for hole in HOLES {
        let report = planted(hole.plant).await;
        let expected = by_place(hole.found.iter().flat_map(|(place, attacks)| attacks.iter().map(|attack| (*attack, *place))));
        let found = by_place(report.found());
        if found != expected {
            wrong.push(format!("{}: {found:?} instead of {expected:?}\n{report}", hole.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_mistake_has_a_hole_of_its_own() {
    let names: BTreeSet<_> = HOLES.iter().map(|hole| hole.name).collect();
    assert_eq!(names.len(), HOLES.len());
    assert!(HOLES.iter().all(|hole| !hole.found.is_empty()), "a hole that nothing finds is not believed");
}
