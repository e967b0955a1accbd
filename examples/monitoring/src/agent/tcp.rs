//! TCP connect.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, time::timeout};

/// What a connection attempt showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// A service accepted it.
    Open(Duration),
    /// The host refused it, and so proved that it is there.
    Refused(Duration),
    /// Nobody answered, or a router said that there is no way.
    Silent,
}

impl Answer {
    /// How long the host took to answer.
    pub(super) fn latency(self) -> Option<Duration> {
        match self {
            Self::Open(latency) | Self::Refused(latency) => Some(latency),
            Self::Silent => None,
        }
    }
}

/// Tries to connect, and closes the connection at once.
///
/// # Errors
///
/// The attempt failed for a reason on this machine, which says nothing about the host.
pub(super) async fn connect(address: IpAddr, port: u16, patience: Duration) -> Result<Answer, io::Error> {
    let started = Instant::now();
    match timeout(patience, TcpStream::connect(SocketAddr::new(address, port))).await {
        Ok(Ok(_stream)) => Ok(Answer::Open(started.elapsed())),
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset) => {
            Ok(Answer::Refused(started.elapsed()))
        }
        Ok(Err(error)) if !is_unreachable(&error) => Err(error),
        Ok(Err(_)) | Err(_) => Ok(Answer::Silent),
    }
}

/// Whether an error is the network's way of saying that a host cannot be reached, and not a shortage on this machine.
pub(super) fn is_unreachable(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn an_accepted_and_a_refused_connection_both_prove_a_host() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = connect(address.ip(), address.port(), PATIENCE).await.unwrap();
        assert!(matches!(open, Answer::Open(_)));
        drop(listener);
        let refused = connect(address.ip(), address.port(), PATIENCE).await.unwrap();
        assert!(matches!(refused, Answer::Refused(_)));
        assert!(refused.latency().is_some());
    }
}
