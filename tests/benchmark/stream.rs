//! Readers of live updates, as browsers are.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::{
    Outcome,
    generator::{histogram, micros},
    http::request,
    traffic::Line,
};

/// A stream of server-sent events that is open.
pub(crate) struct Stream {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
    /// What was read of it.
    at: usize,
}

impl Stream {
    /// Opens one, and waits for its first event. What may arrive without being read is bounded on request.
    pub(crate) async fn open(address: SocketAddr, cookie: &str, bytes: Option<u32>) -> Outcome<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut stream = socket.connect(address).await?;
        stream.write_all(&request("GET", "/live", &[("cookie", cookie)], b"")).await?;
        let mut open = Self { stream, buffer: Vec::with_capacity(1 << 10), at: 0 };
        let status = open.line().await?.to_owned();
        if !status.starts_with(b"HTTP/1.1 200") {
            return Err(format!("/live answers {}", String::from_utf8_lossy(&status)).into());
        }
        while open.line().await? != b"event: open" {}
        Ok(open)
    }

    /// The next line. Nothing is lost if it is dropped.
    async fn line(&mut self) -> io::Result<&[u8]> {
        loop {
            if let Some(length) = self.buffer[self.at..].iter().position(|byte| *byte == b'\n') {
                let from = self.at;
                self.at += length + 1;
                return Ok(self.buffer[from..from + length].trim_ascii_end());
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Waits until devices changed.
    async fn changed(&mut self) -> io::Result<()> {
        loop {
            match self.line().await? {
                b"data: devices" => return Ok(()),
                b"data: *" => return Err(io::Error::other("a reader was told that it missed something")),
                _ => {}
            }
        }
    }
}

/// Many of them.
pub(crate) struct Readers {
    tasks: JoinSet<Outcome<()>>,
    heard: Arc<Heard>,
}

struct Heard {
    events: AtomicUsize,
    latency: Mutex<Histogram<u64>>,
}

impl Readers {
    /// Opens a stream for each cookie, whose reader hears of a line's events.
    pub(crate) async fn open(address: SocketAddr, cookies: &[(String, Arc<Line>)]) -> Outcome<Self> {
        let heard = Arc::new(Heard { events: AtomicUsize::new(0), latency: Mutex::new(histogram()?) });
        let mut tasks = JoinSet::new();
        for (cookie, line) in cookies {
            let stream = Stream::open(address, cookie, None).await?;
            tasks.spawn(read(stream, Arc::clone(line), Arc::clone(&heard)));
        }
        Ok(Self { tasks, heard })
    }

    /// How many events they heard of, one for each that heard.
    pub(crate) fn heard(&self) -> usize {
        self.heard.events.load(Ordering::Relaxed)
    }

    /// How long it took since the last time that this was asked, from sending to hearing.
    pub(crate) fn latency(&mut self) -> Outcome<Histogram<u64>> {
        if let Some(ended) = self.tasks.try_join_next() {
            ended??;
        }
        let mut latency = self.heard.latency.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut *latency, histogram()?))
    }

    /// Waits until they have heard of so many.
    pub(crate) async fn all(&mut self, events: usize) -> Outcome<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.heard() < events {
            if Instant::now() > deadline {
                return Err(format!("{} of {events} events were heard", self.heard()).into());
            }
            tokio::select! {
                Some(ended) = self.tasks.join_next() => ended??,
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
        Ok(())
    }
}

async fn read(mut stream: Stream, line: Arc<Line>, heard: Arc<Heard>) -> Outcome<()> {
    for nth in line.events().. {
        stream.changed().await?;
        let sent = line.sent(nth).ok_or("a reader heard of an event that was not sent")?;
        heard.latency.lock().unwrap_or_else(PoisonError::into_inner).record(micros(sent.elapsed()))?;
        heard.events.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
