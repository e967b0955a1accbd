use std::{io, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tower::ServiceExt as _;

use super::{App, stall::Stalls};
use crate::lifecycle::Lifecycle;

/// How long requests in flight may take to finish once the program is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long a client may take for the head of a request, and how long a connection may wait for its next one.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// The most connections at once; who comes then waits for one to end. Each costs about 20 KiB, and open streams count too.
const CONNECTIONS: usize = 10_000;

/// What is kept for a client that does not read, in the program: bytes.
const UNSENT: usize = 64 << 10;

/// The same in the system, which takes twice of it. It is what may be under way on one connection: 1.9 MB/s to a client 100 ms away.
const UNSENT_BY_SYSTEM: usize = 96 << 10;

/// The pause after the system refused a connection, which it does while file descriptors are used up.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until the program begins to stop (see [`Lifecycle::drain_on_signals`]), then lets requests in flight finish.
///
/// A connection on which the head of a request does not arrive within 30 s is closed, and 10,000 may be open at once. For as many, the
/// program's own limit of open files is raised as far as the system lets it. A client that takes nothing for 60 s is cut off, and holds
/// 256 KiB at most until then.
///
/// # Errors
///
/// Fails if the limit cannot be raised where it could be.
pub async fn serve(listener: TcpListener, app: App, lifecycle: Lifecycle) -> io::Result<()> {
    raise_open_files()?;
    run(listener, app.into_router(), &lifecycle, CONNECTIONS).await;
    Ok(())
}

async fn run(listener: TcpListener, router: Router, lifecycle: &Lifecycle, connections: usize) {
    let router = router.with_state(());
    let places = Arc::new(Semaphore::new(connections));
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(UNSENT);
    loop {
        let accepted = tokio::select! {
            () = lifecycle.draining() => break,
            accepted = async { (Arc::clone(&places).acquire_owned().await, listener.accept().await) } => accepted,
        };
        let (place, (stream, address)) = match accepted {
            (place, Ok(accepted)) => (place, accepted),
            (_, Err(error)) if is_the_clients(&error) => continue,
            (_, Err(error)) => {
                tracing::error!(%error, "no connection can be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // What is sent at once should leave at once, above all on open streams. A connection that is gone already says so soon enough.
        drop(stream.set_nodelay(true));
        drop(bound_unsent(&stream));
        let service = router.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            request.map(Body::new)
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(Stalls::new(stream)), TowerToHyperService::new(service)));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!(grace_s = GRACE.as_secs(), "requests in flight were cut off");
    }
}

#[cfg(unix)]
fn raise_open_files() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

#[cfg(not(unix))]
fn raise_open_files() -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn bound_unsent(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_send_buffer_size(stream, UNSENT_BY_SYSTEM)?)
}

#[cfg(not(unix))]
fn bound_unsent(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Whether an error is about one connection, which its client gave up before it was taken.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use axum::routing::get;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpSocket,
        task::JoinHandle,
        time::Instant,
    };

    use super::*;
    use crate::web::stall::STALL;

    struct Running {
        address: SocketAddr,
        lifecycle: Lifecycle,
        server: JoinHandle<()>,
    }

    async fn running(connections: usize) -> Running {
        raise_open_files().expect("a higher limit");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let lifecycle = Lifecycle::new();
        let router = Router::new().route("/", get(|ConnectInfo(client): ConnectInfo<SocketAddr>| async move { client.ip().to_string() }));
        let server = tokio::spawn({
            let lifecycle = lifecycle.clone();
            async move { run(listener, router, &lifecycle, connections).await }
        });
        Running { address, lifecycle, server }
    }

    impl Running {
        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.expect("a connection")
        }

        async fn answers(&self) -> String {
            let mut client = self.connect().await;
            client.write_all(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").await.expect("a request sent");
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("an answer");
            answer
        }

        async fn ends(self) {
            self.lifecycle.drain();
            self.server.await.expect("a server that ends");
        }
    }

    /// A head that arrives byte by byte, so that no single pause is long.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_for_ever_to_send_its_head_is_cut_off() {
        let running = running(10).await;
        let (began, mut client) = (Instant::now(), running.connect().await);
        client.write_all(b"GET / HTTP/1.1\r\n").await.expect("a line sent");
        let (mut read, mut write) = client.split();
        let trickle = async {
            while write.write_all(b"x-header: y\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        let mut answer = Vec::new();
        tokio::select! {
            () = trickle => {}
            // Closed, with an answer or without one.
            _ = read.read_to_end(&mut answer) => {}
        }
        let took = began.elapsed();
        assert!(HEAD_PATIENCE <= took && took < 2 * HEAD_PATIENCE, "{took:?}");
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
        assert!(running.answers().await.ends_with("127.0.0.1"));
    }

    #[tokio::test]
    async fn idle_connections_keep_nobody_from_an_answer() {
        let running = running(CONNECTIONS).await;
        let mut idle = Vec::new();
        for _ in 0..2_000 {
            idle.push(running.connect().await);
        }
        assert!(running.answers().await.starts_with("HTTP/1.1 200"));
        running.ends().await;
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_waits_for_one() {
        let running = running(2).await;
        let held = [running.connect().await, running.connect().await];
        {
            let mut waits = std::pin::pin!(running.answers());
            assert!(timeout(Duration::from_millis(200), &mut waits).await.is_err());
            drop(held);
            assert!(waits.await.starts_with("HTTP/1.1 200"));
        }
        running.ends().await;
    }

    /// API-05: "a reader that stops for 60 s costs at most 256 KiB and is closed".
    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_reading_is_cut_off_and_costs_little_until_then() {
        const PIECE: usize = 1_000;
        static PIECES: AtomicUsize = AtomicUsize::new(0);
        let endless = || async {
            let pieces = stream::repeat_with(|| {
                PIECES.fetch_add(1, Ordering::SeqCst);
                Ok::<_, io::Error>(Bytes::from_static(&[b'x'; PIECE]))
            });
            Body::from_stream(pieces)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let lifecycle = Lifecycle::new();
        let stopped = lifecycle.clone();
        let server = tokio::spawn(async move { run(listener, Router::new().route("/", get(endless)), &stopped, 1).await });

        let socket = TcpSocket::new_v4().expect("a socket");
        // What has arrived at the client is no cost of the server's.
        let arrives = 8 << 10;
        socket.set_recv_buffer_size(arrives / 2).expect("a small buffer");
        let (began, mut client) = (Instant::now(), socket.connect(address).await.expect("a connection"));
        client.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.expect("a request sent");
        // There is one place, so another is served once this one has gone.
        let mut other = TcpStream::connect(address).await.expect("a connection");
        other.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").await.expect("a request sent");
        tokio::time::sleep(STALL / 2).await;
        let kept = PIECES.load(Ordering::SeqCst);
        assert!(kept > 0, "it was never served");
        other.readable().await.expect("an answer");
        let took = began.elapsed();
        assert!(STALL <= took && took < 2 * STALL, "{took:?}");
        let bytes = kept * PIECE;
        assert!(bytes <= (256 << 10) + arrives as usize, "{bytes} bytes");
        lifecycle.drain();
        drop((client, other));
        server.await.expect("a server that ends");
    }

    #[tokio::test]
    async fn a_server_that_stops_finishes_what_it_began_and_closes_what_is_idle() {
        let running = running(10).await;
        let mut idle = running.connect().await;
        assert!(running.answers().await.starts_with("HTTP/1.1 200"));
        running.ends().await;
        assert_eq!(idle.read(&mut [0]).await.expect("an end"), 0);
    }
}
