//! Fetching the programs of PostgreSQL where a machine has none: find the newest archive for this platform, download it, compare it with
//! its checksum, unpack it beside its place, and move it there whole.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use reqwest::{Client, Response};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::{fs::File, io::AsyncWriteExt};
use url::Url;

mod cache;
mod error;
mod release;
mod unpack;

pub(super) use cache::Cache;
pub use error::DownloadError;

use super::{DevError, Programs};
use release::{Archive, Release};

const ARCHIVES: &str = "https://api.github.com/repos/theseus-rs/postgresql-binaries/releases";
/// Each release comes with the files of all platforms, so a page is long.
const PER_PAGE: usize = 20;
/// The newest releases come first; what is not among these is too old.
const PAGES: usize = 10;
/// How often a request is made whose answer broke off.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);
const PROGRESS: Duration = Duration::from_secs(5);

/// The folder with programs that [`super::binaries`] will find, after it had found none that suit.
pub(super) async fn provide(programs: &Programs, missing: DevError) -> Result<PathBuf, DevError> {
    let wanted = match &missing {
        DevError::NoBinaries { data, .. } => data.clone(),
        DevError::OtherVersion { data, .. } => Some(data.clone()),
        _ => return Err(missing),
    };
    let wanted = wanted.map(|version| version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0));
    match fetch(programs, wanted).await {
        Ok(folder) => Ok(folder),
        Err(error) if matches!(missing, DevError::OtherVersion { .. }) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "PostgreSQL could not be fetched");
            Err(missing)
        }
        Err(error) => Err(DevError::Download(Box::new(error))),
    }
}

/// What to say of fetched programs that nobody can run.
pub(super) fn unusable(folder: PathBuf) -> DevError {
    let output = match Command::new(folder.join("postgres")).arg("--version").output() {
        Ok(output) if output.status.success() => "the account that it runs as has no access to that folder".to_owned(),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    DevError::Unusable { folder, output }
}

async fn fetch(programs: &Programs, wanted: Option<u32>) -> Result<PathBuf, DownloadError> {
    let target = target().ok_or_else(|| DownloadError::Platform { platform: format!("{} on {}", env::consts::ARCH, env::consts::OS) })?;
    let list = address(programs)?;
    if wanted.is_some_and(|major| !release::is_known(major)) {
        return Err(none(&list, wanted, target));
    }
    let cache = Cache::of(programs).ok_or(DownloadError::NoCache)?;
    let _lock = cache.lock().await?;
    if let Some(folder) = cache.newest(wanted) {
        return Ok(folder);
    }
    let server = Server::new(list)?;
    let archive = server.newest(wanted, target).await?;
    let missing = wanted.map_or_else(String::new, |major| format!(" {major}"));
    tracing::info!(
        "PostgreSQL{missing} is not installed; fetching {}, {} MB, once",
        archive.version.of_postgres(),
        archive.size.div_ceil(1_000_000)
    );
    let workplace = cache.workplace()?;
    let file = workplace.path().join("archive.tar.gz");
    server.download(&archive, &file).await?;

    let unpacked = workplace.path().join("unpacked");
    let Archive { version, url, .. } = archive;
    let complete =
        tokio::task::spawn_blocking(move || unpack::unpack(&file, &unpacked, &url)).await.map_err(DownloadError::Interrupted)??;
    let folder = cache.install(&complete, version)?;
    tracing::info!("PostgreSQL {} is in {}", version.of_postgres(), folder.display());
    Ok(folder)
}

fn address(programs: &Programs) -> Result<Url, DownloadError> {
    if let Some(list) = &programs.archives {
        return Ok(list.clone());
    }
    let value = match env::var_os("SAAS_POSTGRES_ARCHIVES").filter(|value| !value.is_empty()) {
        Some(value) => value.to_string_lossy().into_owned(),
        None => ARCHIVES.to_owned(),
    };
    Url::parse(&value).map_err(|source| DownloadError::Address { value, source })
}

fn none(list: &Url, wanted: Option<u32>, target: &str) -> DownloadError {
    let major = wanted.map_or_else(String::new, |major| format!("{major} "));
    DownloadError::NoArchive { list: list.clone(), wanted: format!("PostgreSQL {major}with all fixes to row-level security for {target}") }
}

/// What archives for the system that this program was built for are named after.
const fn target() -> Option<&'static str> {
    macro_rules! first_of {
        ($($name:literal: $($condition:meta),*;)*) => {
            $(if cfg!(all($($condition),*)) {
                return Some($name);
            })*
        };
    }
    first_of! {
        "x86_64-unknown-linux-gnu": target_arch = "x86_64", target_os = "linux", target_env = "gnu";
        "x86_64-unknown-linux-musl": target_arch = "x86_64", target_os = "linux", target_env = "musl";
        "aarch64-unknown-linux-gnu": target_arch = "aarch64", target_os = "linux", target_env = "gnu";
        "aarch64-unknown-linux-musl": target_arch = "aarch64", target_os = "linux", target_env = "musl";
        "armv7-unknown-linux-gnueabihf": target_arch = "arm", target_os = "linux", target_env = "gnu", target_abi = "eabihf";
        "powerpc64le-unknown-linux-gnu": target_arch = "powerpc64", target_endian = "little", target_os = "linux", target_env = "gnu";
        "s390x-unknown-linux-gnu": target_arch = "s390x", target_os = "linux", target_env = "gnu";
        "x86_64-apple-darwin": target_arch = "x86_64", target_os = "macos";
        "aarch64-apple-darwin": target_arch = "aarch64", target_os = "macos";
    }
    None
}

/// Who has the archives.
struct Server {
    client: Client,
    list: Url,
}

impl Server {
    fn new(list: Url) -> Result<Self, DownloadError> {
        let client = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .https_only(list.scheme() == "https")
            .connect_timeout(Duration::from_secs(15))
            .read_timeout(Duration::from_secs(30))
            .build()
            .map_err(DownloadError::network(&list))?;
        Ok(Self { client, list })
    }

    async fn newest(&self, wanted: Option<u32>, target: &'static str) -> Result<Archive, DownloadError> {
        for page in 1..=PAGES {
            let mut url = self.list.clone();
            url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string()).append_pair("page", &page.to_string());
            let releases: Vec<Release> = self.json(&url).await?;
            if let Some(archive) = release::choose(&releases, wanted, target, &self.list) {
                return Ok(archive);
            }
            if releases.len() < PER_PAGE {
                break;
            }
        }
        Err(none(&self.list, wanted, target))
    }

    async fn json<T: DeserializeOwned>(&self, url: &Url) -> Result<T, DownloadError> {
        let text = self.text(url).await?;
        serde_json::from_str(&text).map_err(|_| DownloadError::Unreadable { url: url.clone(), expected: "a list of releases" })
    }

    /// The archive, in a file that exists only if it is the one that was published.
    async fn download(&self, archive: &Archive, file: &Path) -> Result<(), DownloadError> {
        let expected = release::parse_checksum(&self.text(&archive.checksum).await?)
            .ok_or_else(|| DownloadError::Unreadable { url: archive.checksum.clone(), expected: "a SHA-256" })?;
        let mut attempts = Attempts::default();
        let found = loop {
            match self.save(archive, file).await {
                Ok(found) => break found,
                Err(error) => attempts.after(error).await?,
            }
        };
        if found == expected {
            return Ok(());
        }
        Err(DownloadError::Checksum { url: archive.url.clone(), expected })
    }

    /// Writes the archive to a file, and answers its checksum.
    async fn save(&self, Archive { url, size, .. }: &Archive, path: &Path) -> Result<String, DownloadError> {
        let failed = || DownloadError::file("write", path);
        let mut response = self.get(url).await?;
        let mut file = File::create(path).await.map_err(failed())?;
        let mut digest = Sha256::new();
        let (mut received, mut said) = (0, Instant::now());
        while let Some(chunk) = response.chunk().await.map_err(DownloadError::network(url))? {
            digest.update(&chunk);
            file.write_all(&chunk).await.map_err(failed())?;
            received += chunk.len();
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                tracing::info!("fetched {} of {} MB of PostgreSQL", received / 1_000_000, size.div_ceil(1_000_000));
            }
        }
        file.flush().await.map_err(failed())?;
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    async fn text(&self, url: &Url) -> Result<String, DownloadError> {
        let mut attempts = Attempts::default();
        loop {
            let text = match self.get(url).await {
                Ok(response) => response.text().await.map_err(DownloadError::network(url)),
                Err(error) => Err(error),
            };
            match text {
                Ok(text) => return Ok(text),
                Err(error) => attempts.after(error).await?,
            }
        }
    }

    async fn get(&self, url: &Url) -> Result<Response, DownloadError> {
        let response = self.client.get(url.clone()).send().await.map_err(DownloadError::network(url))?;
        let status = response.status();
        if status.is_success() { Ok(response) } else { Err(DownloadError::Refused { url: url.clone(), status }) }
    }
}

/// The attempts at one request.
#[derive(Debug, Default)]
struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Waits for the next attempt after one that failed, or fails where none is worth while.
    async fn after(&mut self, error: DownloadError) -> Result<(), DownloadError> {
        self.failed += 1;
        if !error.is_passing() || self.failed == ATTEMPTS {
            return Err(error);
        }
        tracing::warn!(error = &error as &dyn std::error::Error, "fetching broke off; trying again");
        tokio::time::sleep(PAUSE * self.failed).await;
        Ok(())
    }
}
