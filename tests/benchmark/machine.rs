//! What it runs on, and what processes take of it, as Linux tells in `/proc`.

use std::{collections::HashMap, fs, path::Path, time::Instant};

use serde::Serialize;

use crate::Outcome;

/// What it runs on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) memory_mib: u64,
    pub(crate) kernel: String,
    pub(crate) postgres: String,
    pub(crate) load_average_before: String,
}

impl Machine {
    pub(crate) fn look(postgres: &str) -> Outcome<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            cpu: cpu.trim_start_matches([' ', '\t', ':']).to_owned(),
            memory_mib: kib("/proc/meminfo", "MemTotal:")? / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            postgres: postgres.to_owned(),
            load_average_before: load_average()?,
        })
    }
}

pub(crate) fn load_average() -> Outcome<String> {
    Ok(fs::read_to_string("/proc/loadavg")?.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

/// Resident memory of a process and the most it ever was, in MiB.
pub(crate) fn memory_mib(process: u32) -> Outcome<(f64, f64)> {
    let file = format!("/proc/{process}/status");
    let mib = |name| kib(&file, name).map(|kib| kib as f64 / 1024.0);
    Ok((mib("VmRSS:")?, mib("VmHWM:")?))
}

/// The same in MB, in which it is said how little a program at rest should take.
pub(crate) fn memory_mb(process: u32) -> Outcome<(f64, f64)> {
    let (now, most) = memory_mib(process)?;
    let mb = |mib: f64| mib * f64::from(1 << 20) / 1e6;
    Ok((mb(now), mb(most)))
}

/// What the system keeps for those who are connected to a port of this machine until they take it: bytes, by the port of each.
pub(crate) fn unsent(port: u16) -> Outcome<HashMap<u16, u64>> {
    const ESTABLISHED: &str = "01";
    let text = fs::read_to_string("/proc/net/tcp")?;
    let connection = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote, state, queues) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let port_of = |address: &str| u16::from_str_radix(address.split_once(':')?.1, 16).ok();
        let unsent = u64::from_str_radix(queues.split_once(':')?.0, 16).ok()?;
        (port_of(local)? == port && state == ESTABLISHED).then_some((port_of(remote)?, unsent))
    };
    Ok(text.lines().filter_map(connection).collect())
}

fn kib(file: &str, name: &str) -> Outcome<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("{file} has no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Processor time that was used so far, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    at: Instant,
    server: f64,
    generator: f64,
    postgres: f64,
    machine: f64,
}

impl Used {
    /// By a server, by ourselves, by the processes of this postmaster, and by everybody.
    pub(crate) fn now(server: u32, postmaster: u32) -> Outcome<Self> {
        let server = if server == 0 { 0.0 } else { Stat::of(server)?.own };
        Ok(Self {
            at: Instant::now(),
            server,
            generator: Stat::of(std::process::id())?.own,
            postgres: family(postmaster)?,
            machine: everybody()?,
        })
    }

    /// What was used since then, for each of so many things that were done.
    pub(crate) fn since(self, before: Self, done: u64) -> Shares {
        let each = |now: f64, before: f64| (now - before) * 1e6 / done.max(1) as f64;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
        let ours = (self.server - before.server) + (self.generator - before.generator) + (self.postgres - before.postgres);
        let elapsed = (self.at - before.at).as_secs_f64() * cores;
        Shares {
            server_us: each(self.server, before.server),
            postgres_us: each(self.postgres, before.postgres),
            generator_us: each(self.generator, before.generator),
            others_percent: ((self.machine - before.machine - ours) / elapsed * 100.0).max(0.0),
        }
    }
}

/// Processor time for each request, and how much of the machine others used meanwhile.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Shares {
    pub(crate) server_us: f64,
    pub(crate) postgres_us: f64,
    pub(crate) generator_us: f64,
    pub(crate) others_percent: f64,
}

struct Stat {
    parent: u32,
    own: f64,
    with_ended_children: f64,
}

impl Stat {
    fn of(process: u32) -> Outcome<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name stands in parentheses and may contain anything.
        let (_, fields) = text.rsplit_once(") ").ok_or("a process without a name")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        let second = rustix::param::clock_ticks_per_second() as f64;
        let own = (ticks(11) + ticks(12)) as f64 / second;
        Ok(Self { parent: u32::try_from(ticks(1))?, own, with_ended_children: own + (ticks(13) + ticks(14)) as f64 / second })
    }
}

/// The postmaster, its living children and those that ended.
fn family(postmaster: u32) -> Outcome<f64> {
    let mut sum = Stat::of(postmaster)?.with_ended_children;
    for entry in fs::read_dir(Path::new("/proc"))? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end while we look.
        if let Ok(stat) = Stat::of(process)
            && stat.parent == postmaster
        {
            sum += stat.own;
        }
    }
    Ok(sum)
}

/// All processors, all the time that they did not idle.
fn everybody() -> Outcome<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy: u64 = ticks.iter().take(8).enumerate().filter(|(at, _)| !matches!(at, 3 | 4)).map(|(_, ticks)| ticks).sum();
    Ok(busy as f64 / rustix::param::clock_ticks_per_second() as f64)
}
