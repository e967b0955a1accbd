//! What events are measured with: the product alone, on a database of its own, with an agent in each tenant.

use std::{net::SocketAddr, sync::Arc};

use saas_core::dev::DevDatabase;

use crate::{
    Outcome, agent,
    cluster::Cluster,
    data::{self, Tenant},
    plan::Plan,
    server::{self, Product, Server},
    traffic::Line,
};

pub(crate) struct Backbone {
    pub(crate) product: Server,
    pub(crate) tenants: Vec<Tenant>,
    /// An agent of each tenant.
    pub(crate) lines: Vec<Arc<Line>>,
    pub(crate) database: DevDatabase,
    pub(crate) postmaster: u32,
}

impl Backbone {
    pub(crate) async fn start(cluster: &Cluster, plan: &Plan) -> Outcome<Self> {
        let (folder, database) = (cluster.folder("servers")?, cluster.database("bench_events").await?);
        let logins = server::migrate(database.url(), &folder).await?;
        let tenants = data::tenants(database.superuser_url(), "event", plan.tenants).await?;
        let product = Product { name: "events", folder: &folder, logins: Some(&logins), pool: plan.pool, log: None };
        let product = Server::product(product).await?;
        let lines = lines(product.address, &database, &tenants).await?;
        Ok(Self { product, tenants, lines, database, postmaster: cluster.postmaster()? })
    }
}

/// An agent for each of these tenants, with one device.
pub(crate) async fn lines(address: SocketAddr, database: &DevDatabase, tenants: &[Tenant]) -> Outcome<Vec<Arc<Line>>> {
    let agents = agent::register(address, tenants).await?;
    let ids: Vec<_> = agents.iter().map(|agent| (agent.tenant, agent.id)).collect();
    data::devices_of(database.superuser_url(), &ids, 1).await?;
    Ok(agents.into_iter().map(Line::new).collect())
}
