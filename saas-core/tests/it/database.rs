//! The isolated database.

use saas_core::testing::TestDb;

#[tokio::test]
async fn a_fresh_database_has_nothing_to_mend() {
    let test = TestDb::new(&[]).await.unwrap();
    let findings: Vec<_> = test.db.findings().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!(test.db.pending_migrations().await.unwrap(), 0);
}
