//! A server that speaks the S3 protocol, over a folder.

use hyper_util::{rt::TokioIo, server::conn::auto::Builder};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use saas_core::file::Storage;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// A running server with one bucket.
pub(super) struct Bucket {
    folder: TempDir,
    port: u16,
    server: JoinHandle<()>,
}

const KEY: &str = "test-key";
const SECRET: &str = "test-secret";

impl Bucket {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let service = service.clone();
                connections.spawn(async move {
                    // A client that goes away is no failure of the server.
                    drop(Builder::new(hyper_util::rt::TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await);
                });
            }
        });
        Self { folder, port, server }
    }

    pub(super) fn storage(&self) -> Storage {
        let options = [
            ("aws_endpoint", format!("http://127.0.0.1:{}", self.port)),
            ("aws_region", "us-east-1".to_owned()),
            ("aws_access_key_id", KEY.to_owned()),
            ("aws_secret_access_key", SECRET.to_owned()),
            ("aws_allow_http", "true".to_owned()),
        ];
        Storage::open(&"s3://files/below".parse().unwrap(), options.map(|(name, value)| (name.to_owned(), value))).unwrap()
    }

    /// How many objects it holds.
    pub(super) fn objects(&self) -> usize {
        super::count(&self.folder.path().join("files"))
    }

    pub(super) async fn stop(&self) {
        self.server.abort();
        while !self.server.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}
