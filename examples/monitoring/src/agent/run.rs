//! Runs the agent.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::join;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    buffer::{Batch, Buffer},
    check::{check_direct, check_loop, check_neighbours, neighbour_loop, record},
    client::Client,
    config::{Config, Intervals},
    devices::KnownDevices,
    discovery::{DiscoveryOptions, Found, sweep},
    error::{AgentError, readings},
    host,
    probe::Prober,
    protocol::{Devices, FoundDevice},
    registration::{self, Patience},
    sender::{Link, heartbeat, heartbeat_loop, send_all, send_loop, with_buffer},
    state::{Credential, StateDir},
};

/// How long the parts may take to put down what they hold when the agent stops.
const PUT_DOWN: Duration = Duration::from_millis(600);
/// How long sending may go on after that.
const LAST_SENDS: Duration = Duration::from_millis(900);

/// What the parts of a running agent share.
pub(super) struct Agent {
    pub(super) config: Config,
    pub(super) client: Client,
    /// What the client authenticates with.
    pub(super) credential: watch::Sender<Credential>,
    pub(super) buffer: Buffer,
    pub(super) prober: Prober,
    pub(super) devices: KnownDevices,
    pub(super) intervals: watch::Sender<Intervals>,
    pub(super) link: Link,
    /// Something was put into the buffer.
    pub(super) wake: Notify,
    /// A heartbeat got through.
    pub(super) online: Notify,
    /// There are devices to check.
    pub(super) first_devices: watch::Sender<bool>,
    /// What the server said last about a limit.
    pub(super) limit_said: watch::Sender<String>,
    pub(super) started: Instant,
    /// Last, so that the lock is let go after all else.
    pub(super) state: StateDir,
}

/// Runs until `shutdown` is ready, then puts everything on the disk and returns within two seconds.
///
/// # Errors
///
/// [`AgentError`] says why the agent cannot go on; a server that is away is no reason.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), AgentError> {
    tokio::pin!(shutdown);
    let agent = tokio::select! {
        agent = prepare(config, Patience::Endless) => Arc::new(agent?),
        () = &mut shutdown => return Ok(()),
    };

    let (stop, stopping) = watch::channel(false);
    let (finish, finishing) = watch::channel(false);
    let mut sources = JoinSet::new();
    sources.spawn(heartbeat_loop(Arc::clone(&agent), stopping.clone()));
    sources.spawn(discover_loop(Arc::clone(&agent), stopping.clone()));
    sources.spawn(check_loop(Arc::clone(&agent), stopping.clone()));
    sources.spawn(neighbour_loop(Arc::clone(&agent), stopping));
    let mut sender = JoinSet::new();
    sender.spawn(send_loop(Arc::clone(&agent), finishing));

    let ended = tokio::select! {
        () = &mut shutdown => Ok(()),
        Some(ended) = sources.join_next() => ended?,
        Some(ended) = sender.join_next() => ended?,
    };
    stop.send_replace(true);
    let put_down = timeout(PUT_DOWN, join_all(&mut sources)).await;
    finish.send_replace(true);
    let sent = timeout(LAST_SENDS, join_all(&mut sender)).await;
    ended?;
    // Whoever was too slow is dropped with its set; what it had recorded is on the disk.
    put_down.unwrap_or(Ok(()))?;
    sent.unwrap_or(Ok(()))?;
    tracing::info!("stopped; {} wait on disk", readings(agent.buffer.readings()));
    Ok(())
}

/// Does everything once: one sweep, one check, and sends it all.
///
/// # Errors
///
/// [`AgentError`], also when the server cannot be reached; what could not be sent waits for the next run.
pub async fn run_once(config: Config) -> Result<(), AgentError> {
    let agent = Arc::new(prepare(config, Patience::Once).await?);
    heartbeat(&agent).await?;
    discover_once(&agent).await?;
    let (direct, neighbours) = join(check_direct(&agent, std::future::pending()), check_neighbours(&agent)).await;
    record(&agent, direct.into_iter().chain(neighbours).collect()).await?;
    send_all(&agent).await?;
    tracing::info!("checked {} devices and sent everything", agent.devices.count());
    Ok(())
}

async fn join_all(tasks: &mut JoinSet<Result<(), AgentError>>) -> Result<(), AgentError> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

async fn prepare(config: Config, patience: Patience) -> Result<Agent, AgentError> {
    let state = StateDir::open(&config.state)?;
    let networks = config.networks.as_slice().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    tracing::info!("monitoring-agent {}, watching {networks}, state in {}", host::VERSION, state.path().display());
    if config.server.scheme() == "http" && !is_local(&config.server) {
        tracing::warn!("{} is not encrypted: anybody on the way can read the key", config.server);
    }
    let prober = Prober::open(&config.networks);
    tracing::info!("methods: {}", prober.describe());

    let credential = registration::credential(&state, &config, patience).await?;
    let client = Client::new(&config.server, credential.credential.clone())?;
    let buffer = Buffer::open(&state.buffer(), config.buffer_bytes)?;
    if buffer.readings() > 0 {
        tracing::info!("{} wait on disk since the last run", readings(buffer.readings()));
    }
    let devices = KnownDevices::load(&state, &config.networks);
    Ok(Agent {
        client,
        credential: watch::Sender::new(credential),
        buffer,
        prober,
        intervals: watch::Sender::new(Intervals::of(&config)),
        link: Link::default(),
        wake: Notify::new(),
        online: Notify::new(),
        first_devices: watch::Sender::new(devices.count() > 0),
        limit_said: watch::Sender::new(String::new()),
        started: Instant::now(),
        devices,
        config,
        state,
    })
}

fn is_local(server: &url::Url) -> bool {
    match server.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn discover_loop(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) -> Result<(), AgentError> {
    loop {
        let started = Instant::now();
        let Some(done) = unless_stopped(&mut stop, discover_once(&agent)).await else {
            return Ok(());
        };
        done?;
        let next = sleep_until(started + agent.config.discover);
        if unless_stopped(&mut stop, next).await.is_none() {
            return Ok(());
        }
    }
}

/// Sweeps the networks once and tells the server. Offline, only news are recorded, so that the same list does not fill the
/// disk every few minutes; online always the whole, since the server may have gained room or lost a device.
async fn discover_once(agent: &Arc<Agent>) -> Result<(), AgentError> {
    let only_news = agent.buffer.has_devices();
    let (sender, mut receiver) = mpsc::channel(1);
    let options = DiscoveryOptions::default();
    let announce = async {
        let mut changed = false;
        while let Some(hosts) = receiver.recv().await {
            changed |= announce(agent, hosts, only_news).await?;
        }
        if changed {
            agent.devices.save(&agent.state)?;
        }
        Ok::<_, AgentError>(())
    };
    let sweep = sweep(&agent.config.networks, &options, &agent.prober, sender);
    join(sweep, announce).await.1
}

/// Records found hosts for the server, before they are checked for the first time. Says whether there were news.
async fn announce(agent: &Arc<Agent>, mut hosts: Vec<Found>, only_news: bool) -> Result<bool, AgentError> {
    agent.devices.keep_names(&mut hosts);
    let news = agent.devices.news(&hosts);
    let changed = !news.is_empty();
    let devices = if only_news { news } else { hosts.iter().map(FoundDevice::from).collect() };
    let batch = Batch::Devices(Devices { devices });
    with_buffer(agent, move |agent| agent.buffer.append(&[batch])).await?;
    agent.devices.remember(hosts);
    agent.first_devices.send_replace(true);
    agent.wake.notify_one();
    Ok(changed)
}

/// Waits until the parts are told to stop.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("nobody is left to say stop");
    }
}

/// What a future yields, unless the parts are told to stop before.
pub(super) async fn unless_stopped<T>(stop: &mut watch::Receiver<bool>, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        value = future => Some(value),
        () = stopped(stop) => None,
    }
}
