use std::{io, path::PathBuf};

use http::StatusCode;
use url::Url;

/// Why PostgreSQL could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// `SAAS_POSTGRES_ARCHIVES` does not hold an address.
    #[error("SAAS_POSTGRES_ARCHIVES is no address of a list of archives: `{value}`")]
    Address {
        /// What it holds.
        value: String,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },

    /// Nobody builds archives for this system.
    #[error("there are no archives of PostgreSQL for {platform}")]
    Platform {
        /// Architecture and system.
        platform: String,
    },

    /// The list has nothing that is new enough and for this platform.
    #[error("{list} offers no {wanted}")]
    NoArchive {
        /// The list of archives.
        list: Url,
        /// The versions that would do, and the platform.
        wanted: String,
    },

    /// The network failed.
    #[error("{url} could not be read; check the network")]
    Network {
        /// What was asked for.
        url: Url,
        /// How it failed.
        #[source]
        source: reqwest::Error,
    },

    /// The server gave an error.
    #[error("{url} answered {status}")]
    Refused {
        /// What was asked for.
        url: Url,
        /// The answer.
        status: StatusCode,
    },

    /// The list or the checksum cannot be understood.
    #[error("what {url} answered is not {expected}")]
    Unreadable {
        /// What was asked for.
        url: Url,
        /// What should have been there.
        expected: &'static str,
    },

    /// The archive is not the one that was published.
    #[error("{url} has not the SHA-256 that was published for it ({expected}); nothing of it was kept")]
    Checksum {
        /// The archive.
        url: Url,
        /// What was published.
        expected: String,
    },

    /// The archive holds something else.
    #[error("{url} does not hold the programs of PostgreSQL in one folder; nothing of it was kept")]
    Content {
        /// The archive.
        url: Url,
    },

    /// The archive cannot be unpacked.
    #[error("{url} cannot be unpacked; check that the disk has space")]
    Unpack {
        /// The archive.
        url: Url,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },

    /// A file of the cache could not be read or written.
    #[error("cannot {action} {}; check that this user may write there and that the disk has space", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },

    /// This user has no folder for a cache.
    #[error("there is no folder to keep PostgreSQL in; set XDG_CACHE_HOME or HOME")]
    NoCache,

    /// Another program has been fetching for longer than that takes.
    #[error("gave up waiting for another program that fetches PostgreSQL and holds {}", path.display())]
    Timeout {
        /// Its lock.
        path: PathBuf,
    },

    /// The runtime ended meanwhile.
    #[error("unpacking PostgreSQL was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

impl DownloadError {
    /// For `map_err` on what the file system answers.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    pub(super) fn network(url: &Url) -> impl FnOnce(reqwest::Error) -> Self {
        let url = url.clone();
        move |source| Self::Network { url, source }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Network { source, .. } => !source.is_connect() && !source.is_builder() && !source.is_redirect(),
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            _ => false,
        }
    }
}
