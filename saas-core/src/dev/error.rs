use std::{io, path::PathBuf};

/// What somebody without PostgreSQL can do.
const REMEDY: &str = "Install one: `apt install postgresql` on Debian and Ubuntu, `dnf install postgresql-server` on \
     Fedora, `brew install postgresql@17` on macOS; or put its programs `postgres`, `initdb` and `pg_ctl` on PATH; or \
     set DATABASE_URL to a server of yours";

/// Why there is no development database, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevError {
    /// No PostgreSQL server is installed where we look.
    #[error("no PostgreSQL server was found (looked in {}). {REMEDY}", searched.join(", "))]
    NoBinaries {
        /// The folders that were looked into.
        searched: Vec<String>,
        /// The major version that wrote the data, if there is data: no other one can read it.
        data: Option<String>,
    },

    /// No PostgreSQL server is installed, and it could not be fetched either.
    #[cfg(feature = "download-postgres")]
    #[error("no PostgreSQL server was found, and fetching one failed. {REMEDY}")]
    Download(#[source] Box<super::DownloadError>),

    /// PostgreSQL was fetched, and does not run here.
    #[cfg(feature = "download-postgres")]
    #[error("PostgreSQL was fetched into {} and does not run on this system: {output}. {REMEDY}", folder.display())]
    Unusable {
        /// The folder of its programs.
        folder: PathBuf,
        /// What the server said.
        output: String,
    },

    /// The data was written by another major version than the ones installed.
    #[error(
        "the development database in {} was made by PostgreSQL {data}, and only PostgreSQL {} is installed. \
         Install PostgreSQL {data} to keep the data, or delete the folder to begin anew",
        folder.display(),
        installed.join(" and ")
    )]
    OtherVersion {
        /// The major version that wrote the data.
        data: String,
        /// The major versions that are installed.
        installed: Vec<String>,
        /// The folder to delete when the data is not needed.
        folder: PathBuf,
    },

    /// The database's name cannot be used.
    #[error(
        "`{name}` cannot name a development database: use a letter, then lower-case letters, digits and `_`, at \
         most 50 in all"
    )]
    Name {
        /// The name that was asked for.
        name: String,
    },

    /// A file or folder could not be read or written.
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

    /// The folder for the data belongs to somebody else.
    #[error(
        "{} must be a folder that only {account} can open, and is not; delete it if it holds nothing of yours",
        path.display()
    )]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// Whose it has to be.
        account: String,
    },

    /// Neither the project's folder nor the fallback can hold a cluster.
    #[error(
        "neither {} nor {} can hold a database: {account} must be able to enter the folder and make named pipes in it",
        near.display(),
        far.display()
    )]
    NoPlace {
        /// The folder in the project.
        near: PathBuf,
        /// The fallback outside of it.
        far: PathBuf,
        /// The account that the server runs as.
        account: String,
    },

    /// Root started us, and there is nobody else to run the server as.
    #[error(
        "PostgreSQL does not run as root, and there is neither a user `postgres` nor a user `nobody` to run it as; \
         start the program as an ordinary user"
    )]
    NoAccount,

    /// No port of 127.0.0.1 is free.
    #[error("no port on 127.0.0.1 is free for the development database; check that loopback networking works")]
    NoPort,

    /// A program of PostgreSQL or of the system could not be started.
    #[error("cannot run {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },

    /// The cluster could not be created.
    #[error("PostgreSQL could not create a cluster in {}: {output}", folder.display())]
    Initialize {
        /// Where it was to be.
        folder: PathBuf,
        /// What `initdb` said.
        output: String,
    },

    /// The server ended while it started.
    #[error("PostgreSQL does not start; its log {} ends with: {output}", log.display())]
    Start {
        /// The server's log.
        log: PathBuf,
        /// The end of that log.
        output: String,
    },

    /// Something took longer than it ever should.
    #[error("gave up waiting until {awaited}; see {}", path.display())]
    Timeout {
        /// What was waited for.
        awaited: &'static str,
        /// The file that tells more.
        path: PathBuf,
    },

    /// The running server refused what we asked of it.
    #[error("the development server on port {port} refused to {action}")]
    Database {
        /// The server's port on 127.0.0.1.
        port: u16,
        /// What was asked, as a verb.
        action: &'static str,
        /// The database's answer.
        #[source]
        source: sqlx::Error,
    },

    /// The runtime ended while the cluster started.
    #[error("the start of the development database was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

impl DevError {
    /// Whether the server broke off a connection, as one that has just died does.
    pub(super) fn is_broken_off(&self) -> bool {
        matches!(self, Self::Database { source: sqlx::Error::Io(_), .. })
    }

    /// For `map_err` on what the file system answers.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
