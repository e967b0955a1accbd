//! A tenant keeps an owner, whoever demotes whom at the same moment.

use saas_core::{DbError, TenantDb, TenantId, UserId, testing::TestDb};

use crate::rounds::DEMOTIONS;

async fn demote(tenant: TenantDb, user: UserId) -> Result<(), DbError> {
    let mut tx = tenant.begin().await?;
    sqlx::query("update core.member set role = 'member' where user_id = $1").bind(user).execute(&mut *tx).await?;
    tx.commit().await
}

async fn leave(tenant: TenantDb, user: UserId) -> Result<(), DbError> {
    let mut tx = tenant.begin().await?;
    let now = tx.now();
    sqlx::query("update core.member set left_at = $2 where user_id = $1").bind(user).bind(now).execute(&mut *tx).await?;
    tx.commit().await
}

async fn owners(test: &TestDb, tenant: TenantId) -> i64 {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let query = "select count(*) from core.member where role = 'owner' and left_at is null";
    sqlx::query_scalar(query).fetch_one(&mut *tx).await.unwrap()
}

/// T72
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_demote_each_other_exactly_one_succeeds() {
    let test = TestDb::new(&[]).await.unwrap();
    for round in 0..DEMOTIONS.number() {
        let tenant = test.tenant(&format!("acme-{round}")).await;
        let (one, other) = (test.user().await, test.user().await);
        for user in [one, other] {
            test.member(tenant, user, "owner").await;
        }
        let db = test.db.tenant(tenant);
        let attempts = if round % 2 == 0 {
            [tokio::spawn(demote(db.clone().acting(one), other)), tokio::spawn(demote(db.acting(other), one))]
        } else {
            [tokio::spawn(leave(db.clone().acting(one), one)), tokio::spawn(demote(db.acting(other), other))]
        };
        let mut lost = Vec::new();
        for attempt in attempts {
            if let Err(error) = attempt.await.unwrap() {
                // No deadlock, no serialization failure: the rule itself.
                lost.push(error.constraint().map(str::to_owned));
            }
        }
        assert_eq!(lost, [Some("member_last_owner".to_owned())], "round {round}");
        assert_eq!(owners(&test, tenant).await, 1, "round {round}");
    }
}

/// T72
#[tokio::test]
async fn the_only_owner_can_neither_leave_nor_be_removed() {
    let test = TestDb::new(&[]).await.unwrap();
    let (tenant, user) = (test.tenant("acme").await, test.user().await);
    test.member(tenant, user, "owner").await;
    let db = test.db.tenant(tenant);
    assert_eq!(demote(db.clone(), user).await.unwrap_err().constraint(), Some("member_last_owner"));
    assert_eq!(leave(db.clone(), user).await.unwrap_err().constraint(), Some("member_last_owner"));
    let mut tx = db.begin().await.unwrap();
    let deleted = sqlx::query("delete from core.member where user_id = $1").bind(user).execute(&mut *tx).await;
    assert_eq!(DbError::from(deleted.unwrap_err()).constraint(), Some("member_last_owner"));
    drop(tx);
    assert_eq!(owners(&test, tenant).await, 1);
}

async fn go(db: saas_core::Db, user: UserId) -> Result<(), DbError> {
    let mut tx = db.system("leave altogether").begin().await?;
    sqlx::query("update core.user set state = 'leaving' where id = $1").bind(user).execute(&mut *tx).await?;
    tx.commit().await
}

/// Topic 16: whoever leaves altogether counts as gone from the moment on that they say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_leave_altogether_at_once_exactly_one_succeeds() {
    let test = TestDb::new(&[]).await.unwrap();
    for round in 0..DEMOTIONS.number() {
        // In two tenants, so that each waits for the other's.
        let (one, other) = (test.user().await, test.user().await);
        for part in ["a", "b"] {
            let tenant = test.tenant(&format!("acme-{round}-{part}")).await;
            for user in [one, other] {
                test.member(tenant, user, "owner").await;
            }
        }
        let attempts = [tokio::spawn(go(test.db.clone(), one)), tokio::spawn(go(test.db.clone(), other))];
        let mut lost = Vec::new();
        for attempt in attempts {
            if let Err(error) = attempt.await.unwrap() {
                lost.push(error.constraint().map(str::to_owned));
            }
        }
        assert_eq!(lost, [Some("user_last_owner".to_owned())], "round {round}");
    }
}
