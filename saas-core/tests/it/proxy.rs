//! A stretch of network between a program and its database, which can be slow or lose everything.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use saas_core::Secret;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use url::Url;

/// Between two pieces of an answer.
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) struct Proxy {
    port: u16,
    slow: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
    /// Of the connections before this one, nothing is heard.
    silent: watch::Sender<usize>,
}

impl Proxy {
    /// Passes on to the server of this address, until the runtime ends.
    pub(crate) async fn start(server: &Secret) -> Self {
        let server = Url::parse(server.expose()).unwrap();
        let server = (server.host_str().unwrap().to_owned(), server.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let slow = Arc::new(AtomicUsize::new(0));
        let switch = slow.clone();
        let (accepted, silent) = (Arc::new(AtomicUsize::new(0)), watch::Sender::new(0));
        let (count, heard) = (accepted.clone(), silent.subscribe());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((server.0.as_str(), server.1)).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                let passage = Passage { number: count.fetch_add(1, Ordering::SeqCst), slow: switch.clone(), silent: heard.clone() };
                tokio::spawn(passage.clone().pass(from_client, to_server));
                tokio::spawn(passage.pass(from_server, to_client));
            }
        });
        Self { port, slow, accepted, silent }
    }

    /// The same address through here.
    pub(crate) fn through(&self, url: &Secret) -> Secret {
        let mut url = Url::parse(url.expose()).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.port)).unwrap();
        Secret::new(url)
    }

    /// From now on so many bytes at a time, so that whoever waits for an answer wakes up for each piece of it; 0 is all at once.
    pub(crate) fn slow(&self, piece: usize) {
        self.slow.store(piece, Ordering::SeqCst);
    }

    /// From now on nothing gets through, and nobody is told: connections stay open, new ones too. What was sent meanwhile arrives when it
    /// is over.
    pub(crate) fn silent(&self, silent: bool) {
        self.silent.send_replace(if silent { usize::MAX } else { 0 });
    }

    /// Nothing gets through on the connections that there are. New ones are as they should be.
    pub(crate) fn forget(&self) {
        self.silent.send_replace(self.accepted.load(Ordering::SeqCst));
    }
}

#[derive(Clone)]
struct Passage {
    number: usize,
    slow: Arc<AtomicUsize>,
    silent: watch::Receiver<usize>,
}

impl Passage {
    async fn pass(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut buffer = vec![0; 16_384];
        loop {
            let read = from.read(&mut buffer).await?;
            // An end is not heard of either.
            drop(self.silent.wait_for(|silent| self.number >= *silent).await);
            if read == 0 {
                return to.shutdown().await;
            }
            let mut rest = &buffer[..read];
            loop {
                let size = self.slow.load(Ordering::SeqCst);
                if size == 0 || rest.len() <= size {
                    break;
                }
                let (piece, others) = rest.split_at(size);
                to.write_all(piece).await?;
                tokio::time::sleep(PAUSE).await;
                rest = others;
            }
            to.write_all(rest).await?;
        }
    }
}
