//! Readers that stop reading, and what they cost the others.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::TcpStream, sync::watch, task::JoinSet};

use crate::{
    Outcome,
    backbone::{self, Backbone},
    data::{self, Tenant},
    generator::{Figures, median},
    live::{readers, steadily, window, windows},
    machine::{memory_mib, unsent},
    plan::Plan,
    report::Report,
    stream::{Readers, Stream},
    traffic::Writers,
};

/// How many stop.
const READERS: usize = 20;

/// What may arrive at one without being read: it is no cost of the server's, and would have to be filled first.
const ARRIVES: u32 = 4 << 10;

/// Connections on which the tenant of those that stop is busy, so that there is something to keep for them.
const WRITERS: usize = 2;

pub(crate) async fn measure(backbone: &Backbone, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let address = backbone.product.address;
    let busy = data::tenants(backbone.database.superuser_url(), "busy", 1).await?;
    let agents: Vec<Tenant> = busy.iter().cycle().take(WRITERS).cloned().collect();
    let lines = backbone::lines(address, &backbone.database, &agents).await?;
    let noise = Writers { address, lines: &lines, connections: WRITERS, per_second: Some(plan.busy_events_per_second) };
    let (mut others, each) = readers(backbone, plan).await?;
    let phases = async {
        let reading = Stopping::open(backbone, &busy).await?;
        let before = windows(backbone, &mut others, each, plan.windows, plan.round).await?;
        let rest = memory_mib(backbone.product.process)?.0;
        let stopped = reading.stop().await?;
        let (during, cost) = watch(backbone, &mut others, each, &stopped, rest, plan).await?;
        drop(stopped);
        let reading = Stopping::open(backbone, &busy).await?;
        let after = windows(backbone, &mut others, each, plan.windows, plan.round).await?;
        reading.stop().await?;
        Outcome::Ok((before, during, after, cost))
    };
    let (_, (_, (before, during, after, cost))) = steadily(backbone, plan).during(noise.during(phases)).await?;

    report.heading(&format!("What others hear while {READERS} readers of a busy tenant have stopped"), "events/s")?;
    report.figures("before", &Figures::median(&before))?;
    report.figures("while they stand still", &Figures::median(&during))?;
    report.figures("after", &Figures::median(&after))?;
    let p99 = |of: &[Figures]| median(of.iter().map(|it| it.p99_ms));
    let growth = p99(&during) / p99(&[before.clone(), after.clone()].concat());
    report.ratio("others' p99 meanwhile to before and after", growth, " (expected: 1.10 or less)")?;
    report.say(&format!(
        "  each costs {:.0} KiB in the program and {:.0} KiB in the system at most (expected: 256 or less together); {}",
        cost.program_kib,
        cost.system_kib,
        cost.cut_off.map_or_else(
            || format!("not cut off within {:.0} s", plan.stopped.as_secs_f64()),
            |after| format!("the last was cut off after {:.0} s", after.as_secs_f64())
        )
    ))?;
    report.section(
        "stall",
        json!({
            "readers": READERS, "busy_per_second": plan.busy_events_per_second, "before": before, "during": during, "after": after,
            "growth_p99": growth, "program_kib": cost.program_kib, "system_kib": cost.system_kib,
            "cut_off_s": cost.cut_off.map(|after| after.as_secs_f64()),
        }),
    )
}

/// Readers that go on until they are told to stop; then their connections stay, and nobody reads.
struct Stopping {
    stop: watch::Sender<bool>,
    readers: JoinSet<Outcome<TcpStream>>,
}

impl Stopping {
    async fn open(backbone: &Backbone, tenants: &[Tenant]) -> Outcome<Self> {
        let (stop, is_over) = watch::channel(false);
        let mut readers = JoinSet::new();
        for cookie in data::sessions(backbone.database.superuser_url(), tenants, READERS).await? {
            let stream = Stream::open(backbone.product.address, &cookie, Some(ARRIVES)).await?.stream;
            readers.spawn(read(stream, is_over.clone()));
        }
        Ok(Self { stop, readers })
    }

    async fn stop(mut self) -> Outcome<Vec<TcpStream>> {
        self.stop.send_replace(true);
        let mut streams = Vec::new();
        while let Some(stream) = self.readers.join_next().await {
            streams.push(stream??);
        }
        Ok(streams)
    }
}

async fn read(mut stream: TcpStream, mut is_over: watch::Receiver<bool>) -> Outcome<TcpStream> {
    let mut bytes = vec![0; 4 << 10];
    loop {
        tokio::select! {
            _ = is_over.changed() => return Ok(stream),
            read = stream.read(&mut bytes) => if read? == 0 {
                return Err("the stream of a reader that reads has ended".into());
            },
        }
    }
}

/// The most that each of those cost that stopped.
struct Cost {
    program_kib: f64,
    system_kib: f64,
    cut_off: Option<Duration>,
}

/// Listens to the others until those that stopped have been cut off.
async fn watch(
    backbone: &Backbone,
    others: &mut Readers,
    each: usize,
    stopped: &[TcpStream],
    rest_mib: f64,
    plan: &Plan,
) -> Outcome<(Vec<Figures>, Cost)> {
    let ports = stopped.iter().map(|stream| Ok(stream.local_addr()?.port())).collect::<Outcome<Vec<_>>>()?;
    let (started, mut heard) = (Instant::now(), Vec::new());
    let mut cost = Cost { program_kib: 0.0, system_kib: 0.0, cut_off: None };
    while started.elapsed() < plan.stopped {
        heard.push(window(backbone, others, each, plan.round).await?);
        let unsent = unsent(backbone.product.address.port())?;
        let kept: Vec<u64> = ports.iter().filter_map(|port| unsent.get(port)).copied().collect();
        if kept.is_empty() {
            cost.cut_off = Some(started.elapsed());
            break;
        }
        let program_kib = (memory_mib(backbone.product.process)?.0 - rest_mib) * 1024.0 / stopped.len() as f64;
        let system_kib = kept.iter().sum::<u64>() as f64 / 1024.0 / stopped.len() as f64;
        cost.program_kib = cost.program_kib.max(program_kib);
        cost.system_kib = cost.system_kib.max(system_kib);
    }
    Ok((heard, cost))
}
