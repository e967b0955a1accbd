//! A server of archives on 127.0.0.1, with what this machine has installed, in the form of the public one.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// How the server answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behaviour {
    /// What it offers in place of PostgreSQL.
    pub(crate) archive: Option<Vec<u8>>,
    pub(crate) wrong_checksum: bool,
    /// How many answers with the archive end half way.
    pub(crate) broken: u32,
    /// Whether the archive comes to a halt half way.
    pub(crate) stalls: bool,
    /// Whether it has nothing for this platform.
    pub(crate) foreign: bool,
}

pub(crate) struct Archives {
    pub(crate) list: Url,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    behaviour: Behaviour,
    requests: Mutex<Vec<String>>,
    broken: AtomicU32,
}

impl Archives {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let list = Url::parse(&format!("http://{}/releases", listener.local_addr().unwrap())).unwrap();
        let shared = Arc::new(Shared { behaviour, requests: Mutex::default(), broken: AtomicU32::new(0) });
        let routes = Router::new().fallback(answer).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { list, shared, server }
    }

    /// The paths that were asked for so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Archives {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    shared.requests.lock().unwrap().push(uri.path().to_owned());
    let behaviour = &shared.behaviour;
    let archive = || behaviour.archive.clone().map_or_else(|| packed().clone(), Bytes::from);
    let name = file_name();
    match uri.path() {
        "/releases" => {
            let target = if behaviour.foreign { "of-another-kind" } else { target() };
            let newest = version().split('.').next().unwrap().to_owned() + ".99.0";
            // Newer, but for others; and older than the fixes that must be there.
            axum::response::Html(
                json!([release(&newest, "of-another-kind"), release("15.1.0", target), release(version(), target)]).to_string(),
            )
            .into_response()
        }
        path if path == format!("/files/{name}.sha256") => {
            let bytes = if behaviour.wrong_checksum { Bytes::from_static(b"another archive") } else { archive() };
            let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{sum}  {name}\n").into_response()
        }
        path if path == format!("/files/{name}") => {
            let whole = archive();
            let half = whole.slice(..whole.len() / 2);
            let body = if behaviour.stalls {
                Body::from_stream(stream::once(async { Ok::<_, std::io::Error>(half) }).chain(stream::pending()))
            } else if shared.broken.fetch_add(1, Ordering::Relaxed) < behaviour.broken {
                Body::from_stream(stream::iter([Ok(half), Err(std::io::Error::other("the line is cut"))]))
            } else {
                Body::from(whole.clone())
            };
            Response::builder().header(header::CONTENT_LENGTH, whole.len()).body(body).unwrap()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn release(version: &str, target: &str) -> Value {
    let archive = format!("postgresql-{version}-{target}.tar.gz");
    let assets: Vec<Value> = [archive.clone(), format!("{archive}.sha256")]
        .iter()
        .map(|name| json!({ "name": name, "size": packed().len(), "browser_download_url": format!("/files/{name}") }))
        .collect();
    json!({ "tag_name": version, "draft": false, "prerelease": false, "assets": assets })
}

/// What the archive for this platform is called.
pub(crate) fn file_name() -> String {
    format!("postgresql-{}-{}.tar.gz", version(), target())
}

/// The folder that a fetched version is kept in.
pub(crate) fn folder_name() -> String {
    format!("{}-{}", version(), target())
}

fn target() -> &'static str {
    match (env::consts::ARCH, cfg!(target_env = "musl")) {
        ("x86_64", false) => "x86_64-unknown-linux-gnu",
        ("x86_64", true) => "x86_64-unknown-linux-musl",
        ("aarch64", false) => "aarch64-unknown-linux-gnu",
        ("aarch64", true) => "aarch64-unknown-linux-musl",
        other => panic!("there are no archives for {other:?}"),
    }
}

/// The version of the installed server, as archives count: `15.20.0`.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new(installed().join("bin/postgres")).arg("--version").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap();
        format!("{number}.0")
    })
}

/// The folder of the newest PostgreSQL as Debian installs it.
fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path());
        let newest = versions.filter(|folder| folder.join("bin/postgres").exists());
        newest.max_by_key(|folder| folder.file_name().unwrap().to_str().unwrap().parse::<u32>().unwrap()).unwrap()
    })
}

/// An archive of the installed server: its programs, and the libraries that it loads. It finds what it shares with others of its version
/// where Debian has it.
fn packed() -> &'static Bytes {
    static PACKED: OnceLock<Bytes> = OnceLock::new();
    PACKED.get_or_init(|| {
        let programs = ["postgres", "initdb", "pg_ctl"].map(|name| installed().join("bin").join(name));
        let libraries = fs::read_dir(installed().join("lib")).unwrap().map(|entry| entry.unwrap().path());
        let libraries = libraries.filter(|path| path.extension() == Some(OsStr::new("so")));
        let files = programs.into_iter().chain(libraries);
        pack(files.map(|path| (path.strip_prefix(installed()).unwrap().to_owned(), fs::read(&path).unwrap()))).into()
    })
}

/// Packs files into one folder, with rights that are too narrow for others.
pub(crate) fn pack(files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>) -> Vec<u8> {
    let root = PathBuf::from(file_name().strip_suffix(".tar.gz").unwrap());
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len().try_into().unwrap());
        header.set_mode(if path.starts_with("bin") { 0o700 } else { 0o600 });
        archive.append_data(&mut header, root.join(path), content.as_slice()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}
