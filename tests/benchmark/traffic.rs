//! Events by the front door: agents whose one device goes up and down.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use saas_core::Clock;
use tokio::task::JoinSet;

use crate::{
    Outcome,
    agent::Agent,
    generator::{histogram, micros},
    http::Connection,
};

/// An agent whose device changes its state with each request, so that each is one event. They come one after another, so the nth that a
/// reader hears of is the nth that was sent.
pub(crate) struct Line {
    agent: Agent,
    is_up: AtomicBool,
    sent: Mutex<Vec<Instant>>,
}

impl Line {
    /// The device was inserted as one that is up.
    pub(crate) fn new(agent: Agent) -> Arc<Self> {
        Arc::new(Self { agent, is_up: AtomicBool::new(true), sent: Mutex::default() })
    }

    /// How many events there were.
    pub(crate) fn events(&self) -> usize {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// When the nth was sent.
    pub(crate) fn sent(&self, nth: usize) -> Option<Instant> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).get(nth).copied()
    }

    async fn write(&self, connection: &mut Connection) -> Outcome<()> {
        let is_up = !self.is_up.fetch_xor(true, Ordering::Relaxed);
        let at = Clock::system().now().format("%Y-%m-%dT%H:%M:%S%.6fZ");
        let body = format!(r#"{{"readings":[{{"address":"10.0.0.1","at":"{at}","up":{is_up},"latency_us":null}}]}}"#);
        let request = self.agent.readings(body.as_bytes());
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        match connection.exchange(&request).await? {
            (200, br#"{"applied":1,"stale":0,"unknown":0}"#) => Ok(()),
            (status, body) => Err(format!("{status}: {}", String::from_utf8_lossy(body)).into()),
        }
    }
}

/// Who writes where, and how often.
pub(crate) struct Writers<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) lines: &'a [Arc<Line>],
    /// Connections, each with lines of its own.
    pub(crate) connections: usize,
    /// Events a second of all together; none: each writes again when it has the answer.
    pub(crate) per_second: Option<u32>,
}

impl Writers<'_> {
    /// Writes while something else happens; answers with what that came to, and how long the writes took until they were answered.
    pub(crate) async fn during<T>(&self, what: impl Future<Output = Outcome<T>>) -> Outcome<(Histogram<u64>, T)> {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        let pause = self.per_second.map(|number| Duration::from_secs(1) * u32::try_from(self.connections).unwrap_or(1) / number);
        for nth in 0..self.connections {
            let lines: Vec<_> = self.lines.iter().skip(nth).step_by(self.connections).cloned().collect();
            // Not all at the same moment.
            let first = pause.unwrap_or_default().mul_f64(nth as f64 / self.connections as f64);
            tasks.spawn(write(self.address, lines, first, pause, Arc::clone(&is_over)));
        }
        let outcome = what.await;
        is_over.store(true, Ordering::Relaxed);
        let mut answered = histogram()?;
        while let Some(done) = tasks.join_next().await {
            answered.add(done??)?;
        }
        Ok((answered, outcome?))
    }
}

async fn write(
    address: SocketAddr,
    lines: Vec<Arc<Line>>,
    first: Duration,
    pause: Option<Duration>,
    is_over: Arc<AtomicBool>,
) -> Outcome<Histogram<u64>> {
    let (mut connection, mut answered) = (Connection::open(address).await?, histogram()?);
    let mut due = tokio::time::Instant::now() + first;
    for line in lines.iter().cycle() {
        if let Some(pause) = pause {
            tokio::time::sleep_until(due).await;
            due += pause;
        }
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let sent = Instant::now();
        line.write(&mut connection).await?;
        answered.record(micros(sent.elapsed()))?;
    }
    Ok(answered)
}
