//! Who has entered a tenant is in it until the transaction ends.

use saas_core::{DbError, TenantId, UserId};

use crate::borrower::{bodies, note, with_notes, written};

/// T30: entering is what opens a transaction, and nothing within one.
#[tokio::test]
async fn a_transaction_of_a_tenant_cannot_enter_another() {
    let test = with_notes(1).await;
    let (own, victim) = (TenantId::new(), TenantId::new());
    for (tenant, body) in [(own, "mine"), (victim, "theirs")] {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        note(&mut tx, body).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = test.db.tenant(own).begin().await.unwrap();
    for (tenant, person) in [(victim.to_string(), String::new()), (victim.to_string(), UserId::new().to_string()), Default::default()] {
        // What is refused ends the transaction, or else what was done since a savepoint.
        sqlx::raw_sql("savepoint before").execute(&mut *tx).await.unwrap();
        let entered = sqlx::query("select core.enter($1, $2)").bind(&tenant).bind(&person).execute(&mut *tx).await;
        assert_eq!(DbError::from(entered.unwrap_err()).code().as_deref(), Some("SA001"), "{tenant:?} {person:?}");
        sqlx::raw_sql("rollback to savepoint before").execute(&mut *tx).await.unwrap();
        assert_eq!(bodies(&mut tx).await, ["mine"]);
    }
    note(&mut tx, "mine too").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(written(&test).await, ["mine", "mine too", "theirs"]);
}
