//! Everything that is measured with: two databases with their rows, the product on each, the hand-written servers.

use std::sync::Arc;

use saas_core::Token;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    Outcome,
    cluster::Cluster,
    data::{self, Tenant},
    generator::Requests,
    hand::{Configuration, Duties},
    http::request,
    plan::Plan,
    report::Report,
    server::{self, Logins, Product, Server},
};

pub(crate) struct Arranged {
    pub(crate) tenants: Vec<Tenant>,
    /// Those whose agents send readings.
    pub(crate) senders: Vec<Tenant>,
    pub(crate) few: Vec<Tenant>,
    pub(crate) logins: Logins,
    /// The product as it is delivered, and what it was at rest: its memory in MB.
    pub(crate) product: Server,
    pub(crate) rest_mb: f64,
    /// The same, writing no line for each request.
    pub(crate) quiet: Server,
    /// The product on the database with few rows.
    pub(crate) small: Server,
    pub(crate) filter: Server,
    pub(crate) policy: Server,
    pub(crate) bare: Server,
}

pub(crate) async fn arrange(cluster: &Cluster, plan: &Plan, report: &mut Report) -> Outcome<Arranged> {
    let folder = cluster.folder("servers")?;
    let logins = server::migrate(cluster.big.url(), &folder).await?;
    let small_logins = server::migrate(cluster.small.url(), &folder).await?;
    let (big, small) = (cluster.big.superuser_url(), cluster.small.superuser_url());

    let started = std::time::Instant::now();
    let tenants = data::tenants(big, "list", plan.tenants).await?;
    let senders = data::tenants(big, "send", u32::try_from(plan.agents)?).await?;
    data::agents_with_devices(big, &tenants, plan.devices).await?;
    let few = data::tenants(small, "list", plan.tenants).await?;
    data::agents_with_devices(small, &few, plan.few_devices).await?;
    let rows = plan.tenants * plan.devices;
    report.say(&format!("{rows} devices of {} tenants loaded in {:.0} s", plan.tenants, started.elapsed().as_secs_f64()))?;

    let of = |name, logins, log| Product { name, folder: &folder, logins: Some(logins), pool: plan.pool, log };
    let product = Server::product(of("framework", &logins, None)).await?;
    let rest_mb = crate::machine::memory_mb(product.process)?.0;
    let quiet = Server::product(of("framework, quiet", &logins, Some("warn"))).await?;
    let small_server = Server::product(of("framework, few rows", &small_logins, None)).await?;
    let policy_url = login(cluster).await?;
    let hand = async |name, duties, url: &str| {
        let configuration = serde_json::to_value(Configuration { duties, url: url.to_owned(), pool: plan.pool })?;
        Server::by_hand(name, &configuration, &folder).await
    };
    Ok(Arranged {
        filter: hand("by hand, where", Duties::Filter, &logins.system).await?,
        policy: hand("by hand, RLS", Duties::Policy, &policy_url).await?,
        bare: hand("query alone", Duties::None, &logins.system).await?,
        small: small_server,
        product,
        rest_mb,
        quiet,
        tenants,
        senders,
        few,
        logins,
    })
}

/// A login for the hand-written server with policies: those of the product, and what it must read before it knows a tenant.
async fn login(cluster: &Cluster) -> Outcome<String> {
    let password = Token::generate().text();
    let mut connection = PgConnection::connect(cluster.big.superuser_url()).await?;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "create role bench_hand login password '{}'; grant saas_app to bench_hand; grant connect on database bench to bench_hand; \
        alter role bench_hand in database bench set search_path = data, pg_catalog; \
        create schema bench; grant usage on schema bench to bench_hand; \
        create table bench.membership as select m.user_id, t.id as organization, t.slug, t.name, m.role \
            from core.member m join core.tenant t on t.id = m.tenant_id; \
        create index membership_user_idx on bench.membership (user_id); \
        grant select on bench.membership, auth.session, auth.account, core.user to bench_hand; analyze bench.membership",
        password.expose()
    )))
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    let (_, place) = cluster.big.superuser_url().split_once('@').ok_or("an address without a login")?;
    Ok(format!("postgres://bench_hand:{}@{place}", password.expose()))
}

/// The list of devices, asked by each tenant's person.
pub(crate) fn lists(tenants: &[Tenant]) -> Requests {
    let list = |tenant: &Tenant| request("GET", "/api/v1/devices", &[("cookie", &tenant.cookie)], b"");
    Arc::new(tenants.iter().map(list).collect())
}

/// The same without a session, for the server that checks nothing.
pub(crate) fn bare_lists(tenants: &[Tenant]) -> Requests {
    let list = |tenant: &Tenant| request("GET", "/api/v1/devices", &[("x-tenant", &tenant.id.to_string())], b"");
    Arc::new(tenants.iter().map(list).collect())
}

/// What belongs to the pools and processes of a run, for the report.
pub(crate) fn sharing(plan: &Plan) -> serde_json::Value {
    json!({
        "connections": plan.connections,
        "database_connections_of_each_server": plan.pool,
        "cores": "nothing is pinned: the server (as many threads as cores), PostgreSQL and the load generator (one thread) share all cores; \
            servers that are not measured at the moment are idle",
    })
}
