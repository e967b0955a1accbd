//! The same for programs.

use axum::extract::State;
use saas_core::{Can, Json, List, Path, Problem, Routes, TenantDb, Wanted};
use sqlx::{Postgres, QueryBuilder};

use super::{
    Till,
    account::{AccountShown, INVOICES, InvoiceShown},
};
use crate::BillingRead;

pub(super) fn routes() -> Routes<Till> {
    Routes::new()
        .get(["/api/v1/billing/subscription", "/api/billing/subscription"], show)
        .about("What the organization pays for, may use and uses.")
        .get(["/api/v1/billing/invoices", "/api/billing/invoices"], list)
        .about("The organization's invoices.")
        .get(["/api/v1/billing/invoices/{id}", "/api/billing/invoices/{id}"], read)
        .about("One invoice.")
}

async fn show(_: Can<BillingRead>, db: TenantDb, State(till): State<Till>) -> Result<Json<AccountShown>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(till.account_in(&mut tx).await?))
}

async fn list(_: Can<BillingRead>, db: TenantDb, wanted: Wanted<InvoiceShown>) -> Result<List<InvoiceShown>, Problem> {
    let mut tx = db.begin().await?;
    let mut query = wanted.query(INVOICES);
    query.push_bind(tx.tenant());
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn read(_: Can<BillingRead>, db: TenantDb, Path(id): Path<String>) -> Result<Json<InvoiceShown>, Problem> {
    let mut tx = db.begin().await?;
    let mut query = QueryBuilder::<Postgres>::new(INVOICES);
    query.push_bind(tx.tenant()).push(" and id = ").push_bind(id);
    let found: Option<InvoiceShown> = query.build_query_as().fetch_optional(&mut *tx).await?;
    found.map(Json).ok_or_else(Problem::not_found)
}
