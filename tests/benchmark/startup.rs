//! How long the product takes to start, and how much memory it takes.

use std::time::Instant;

use serde_json::json;

use crate::{
    Outcome,
    arrange::Arranged,
    cluster::{Cluster, data_of, wait_until_stopped},
    machine::memory_mb,
    report::Report,
    server::{Product, Server},
};

pub(crate) async fn measure(cluster: &Cluster, arranged: &Arranged, report: &mut Report) -> Outcome<()> {
    let folder = cluster.folder("new")?;
    let start = async |name| {
        let product = Product { name, folder: &folder, logins: None, pool: 10, log: None };
        let started = Instant::now();
        let server = Server::product(product).await?;
        Outcome::Ok((started.elapsed().as_secs_f64(), server))
    };
    let (cold, server) = start("new").await?;
    let data = data_of(&folder.join(".saas"))?;
    server.stop().await?;
    wait_until_stopped(&data).await?;
    let (warm, server) = start("warm").await?;
    let (beside, second) = start("beside").await?;
    let (rest, _) = memory_mb(second.process)?;
    second.stop().await?;
    server.stop().await?;
    wait_until_stopped(&data).await?;
    let (loaded, most) = memory_mb(arranged.product.process)?;
    report.say(&format!(
        "\nStart to ready: {cold:.2} s in a new folder, {warm:.2} s where the cluster was stopped (expected: 1 or less), {beside:.2} s where \
         it was running\nMemory: {rest:.0} MB at rest (expected: 60 or less), {loaded:.0} MB after all this load, {most:.0} MB at most"
    ))?;
    report.section(
        "program",
        json!({
            "start_new_s": cold, "start_warm_s": warm, "start_beside_s": beside,
            "memory_rest_mb": rest, "memory_rest_before_load_mb": arranged.rest_mb, "memory_loaded_mb": loaded, "memory_most_mb": most,
        }),
    )
}
