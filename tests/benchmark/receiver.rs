//! What webhooks are sent to: a server that answers at once, but on one path, where it may fall silent.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use hdrhistogram::Histogram;
use saas_core::Clock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    Outcome,
    generator::{histogram, micros},
    http::{content_length, find},
};

/// Where it may fall silent.
pub(crate) const MORTAL: &str = "/mortal";

/// Runs until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    arrived: Arc<Arrived>,
    _task: JoinSet<()>,
}

/// What arrived where it always answers.
struct Arrived {
    is_dead: AtomicBool,
    messages: AtomicU64,
    /// From the transaction of the event.
    latency: Mutex<Histogram<u64>>,
}

impl Receiver {
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let arrived = Arc::new(Arrived { is_dead: AtomicBool::new(false), messages: AtomicU64::new(0), latency: Mutex::new(histogram()?) });
        let mut task = JoinSet::new();
        task.spawn(accept(listener, Arc::clone(&arrived)));
        Ok(Self { address, arrived, _task: task })
    }

    /// From now on it takes what comes on one path, and never answers.
    pub(crate) fn fall_silent(&self) {
        self.arrived.is_dead.store(true, Ordering::Relaxed);
    }

    /// How many messages arrived on all other paths.
    pub(crate) fn messages(&self) -> u64 {
        self.arrived.messages.load(Ordering::Relaxed)
    }

    /// How long they took since the last time that this was asked.
    pub(crate) fn latency(&self) -> Outcome<Histogram<u64>> {
        let mut latency = self.arrived.latency.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut *latency, histogram()?))
    }
}

async fn accept(listener: TcpListener, arrived: Arc<Arrived>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream, Arc::clone(&arrived)));
            },
            // One that broke off is the sender's affair: what it did not deliver is sent again.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut stream: TcpStream, arrived: Arc<Arrived>) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4 << 10);
    loop {
        let (head, whole) = loop {
            if let Some(head) = find(&buffer, b"\r\n\r\n").map(|at| at + 4) {
                let whole = head + content_length(&buffer[..head]).ok_or("a request without a length")?;
                if buffer.len() >= whole {
                    break (head, whole);
                }
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        if !buffer[..head].starts_with(format!("POST {MORTAL} ").as_bytes()) {
            arrived.note(&buffer[head..whole])?;
        } else if arrived.is_dead.load(Ordering::Relaxed) {
            // Until the sender has had enough.
            while stream.read_buf(&mut buffer).await? > 0 {}
            return Ok(());
        }
        buffer.drain(..whole);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}

impl Arrived {
    fn note(&self, body: &[u8]) -> Outcome<()> {
        let message: serde_json::Value = serde_json::from_slice(body)?;
        let at: DateTime<Utc> = message.get("timestamp").and_then(serde_json::Value::as_str).ok_or("a message without a time")?.parse()?;
        let took: Duration = (Clock::system().now() - at).to_std().unwrap_or_default();
        self.latency.lock().unwrap_or_else(PoisonError::into_inner).record(micros(took))?;
        self.messages.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
