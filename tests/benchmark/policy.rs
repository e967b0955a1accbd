//! Row-level security against an explicit filter: the same query of the same connection in the same transaction.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    Outcome,
    arrange::Arranged,
    cluster::Cluster,
    generator::{histogram, micros},
    hand::{LIST_BY_FILTER, LIST_BY_POLICY},
    plan::Plan,
    report::Report,
};

/// Queries between two changes of the role.
const BLOCK: usize = 100;

/// The role decides whether policies apply. Each text is only ever planned for one role, so that no plan is thrown away.
pub(crate) async fn measure(cluster: &Cluster, arranged: &Arranged, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let tenants: Vec<Uuid> = arranged.tenants.iter().map(|tenant| tenant.id).collect();
    let mut connection = PgConnection::connect(cluster.big.superuser_url()).await?;
    let mut transaction = connection.begin().await?;
    let mut results = Vec::new();
    for _ in 0..2 {
        results.push((histogram()?, Duration::ZERO));
    }
    let blocks = plan.policy_queries / BLOCK;
    // The first block of each is for warming up.
    for block in 0..=blocks {
        let tenant = tenants[block % tenants.len()];
        for by_policy in [block % 2 == 0, block % 2 != 0] {
            sqlx::query(if by_policy { "set local role saas_app" } else { "set local role none" }).execute(&mut *transaction).await?;
            sqlx::query("select set_config('saas.tenant_id', $1, true)").bind(tenant.to_string()).execute(&mut *transaction).await?;
            let (latency, total) = &mut results[usize::from(by_policy)];
            for _ in 0..BLOCK {
                let started = Instant::now();
                let query = if by_policy { sqlx::query(LIST_BY_POLICY) } else { sqlx::query(LIST_BY_FILTER).bind(tenant) };
                let rows = query.fetch_all(&mut *transaction).await?;
                let elapsed = started.elapsed();
                if rows.len() != 50 {
                    return Err(format!("{} rows", rows.len()).into());
                }
                if block > 0 {
                    latency.record(micros(elapsed))?;
                    *total += elapsed;
                }
            }
        }
    }
    transaction.rollback().await?;
    connection.close().await?;
    let shown = |at: usize| {
        let (latency, total): &(hdrhistogram::Histogram<u64>, Duration) = &results[at];
        let per_second = latency.len() as f64 / total.as_secs_f64();
        (per_second, latency.value_at_quantile(0.5), latency.value_at_quantile(0.95))
    };
    let (filter, policy) = (shown(0), shown(1));
    report.say(&format!(
        "\nThe same query on one connection in one transaction\n\
         {:24}{:>10.0} a second, p50 {} µs, p95 {} µs\n{:24}{:>10.0} a second, p50 {} µs, p95 {} µs",
        "explicit where", filter.0, filter.1, filter.2, "policy", policy.0, policy.1, policy.2
    ))?;
    let (throughput, p50) = (policy.0 / filter.0, policy.1 as f64 / filter.1 as f64);
    report.ratio("policy to where, a second", throughput, " (expected: 0.95 or more)")?;
    report.ratio("policy to where, p50", p50, " (expected: 1.05 or less)")?;
    report.section(
        "policy",
        json!({
            "where": { "per_second": filter.0, "p50_us": filter.1, "p95_us": filter.2 },
            "policy": { "per_second": policy.0, "p50_us": policy.1, "p95_us": policy.2 },
            "ratio_per_second": throughput, "ratio_p50": p50,
        }),
    )
}
