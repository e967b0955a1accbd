//! What comes by itself in development: a database, its logins, a master key.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use saas_core::{
    Clock, DatabaseConfig, MasterKey, Secret, Token,
    dev::{self, DevDatabase, DevOptions},
    file::Storage,
    provision,
};

use crate::{Error, Product, config::Config};

/// Where development keeps its things.
pub(crate) const FOLDER: &str = ".saas";

/// The database that the configuration names, or one that is started for it. Keep the second value for as long as the first is used.
pub(crate) async fn database(product: &Product, config: &Config) -> Result<(DatabaseConfig, Option<DevDatabase>), Error> {
    let (owner, started) = match &config.owner_url {
        Some(url) => (Some(url.clone()), None),
        None if config.is_development() && config.app_url.is_none() => {
            let started = dev::start(DevOptions::new(product.name)).await?;
            (Some(Secret::new(started.url())), Some(started))
        }
        None => (None, None),
    };
    let (app, system) = match (&config.app_url, &config.system_url, &owner) {
        (Some(app), Some(system), _) => (app.clone(), system.clone()),
        (_, _, Some(owner)) if config.is_development() => {
            let logins = logins(owner).await?;
            (logins.app, logins.system)
        }
        // Production was refused already; here only one of two addresses is missing.
        (app, system, _) => (app.clone().unwrap_or_default(), system.clone().unwrap_or_default()),
    };
    let database = DatabaseConfig {
        owner,
        app,
        system,
        direct: config.direct_url.clone(),
        seal: if config.sealed { Some(master_key(config).await?) } else { None },
        max_connections: config.max_connections,
        allow_old_server: config.is_development(),
    };
    Ok((database, started))
}

/// The system's clock; where a stand-in takes the place of Stripe one that its page moves.
pub(crate) fn clock(config: &Config) -> Clock {
    let is_movable = cfg!(feature = "dev-stripe") && config.is_development() && config.stripe.is_none();
    if is_movable { Clock::movable() } else { Clock::system() }
}

/// Whether the product is reached on this very machine. Behind a proxy on this machine everybody looks local.
#[cfg(any(feature = "dev-oidc", feature = "dev-stripe"))]
pub(crate) fn is_here(public_url: &url::Url) -> bool {
    let is_local = match public_url.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_local && public_url.scheme() == "http"
}

/// Keeps the other programs of this folder out for as long as it lives: two that start at once must agree on passwords and keys.
struct Alone(#[expect(dead_code, reason = "the lock goes with the file")] fs::File);

impl Alone {
    async fn wait() -> Result<Self, Error> {
        let path = PathBuf::from(FOLDER).join("secrets.lock");
        let name = shown(&path);
        let lock = move || {
            fs::create_dir_all(FOLDER)?;
            let file = fs::OpenOptions::new().create(true).append(true).open(path)?;
            file.lock()?;
            Ok(Self(file))
        };
        tokio::task::spawn_blocking(lock).await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(Error::io(name))
    }
}

/// Makes the logins, with passwords that stay the same between runs: another program may be using them.
async fn logins(owner: &Secret) -> Result<saas_core::Logins, Error> {
    let _alone = Alone::wait().await?;
    let path = PathBuf::from(FOLDER).join("logins.json");
    let mut passwords: BTreeMap<String, String> = match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| Error::io(shown(&path))(error.into()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(Error::io(shown(&path))(error)),
    };
    let known = passwords.len();
    let logins = provision(owner, |login| {
        let password = passwords.entry(login.to_owned()).or_insert_with(|| Token::generate().text().expose().to_owned());
        Secret::new(password.clone())
    })
    .await?;
    if passwords.len() != known {
        let text = serde_json::to_vec_pretty(&passwords).map_err(|error| Error::io(shown(&path))(error.into()))?;
        write_secret(&path, &text).map_err(Error::io(shown(&path)))?;
    }
    Ok(logins)
}

/// Where the configuration says that files are kept; in development, without that, beside the database.
pub(crate) fn storage(config: &Config) -> Result<Storage, Error> {
    let opened = match &config.storage_url {
        Some(url) => Storage::open(url, bucket_options()),
        None => Storage::folder(&PathBuf::from(FOLDER).join("files")),
    };
    opened.map_err(Error::Storage)
}

/// Where the ends of the audit chains are kept: at a place of their own, or else where files are.
pub(crate) fn checkpoints(config: &Config) -> Result<Storage, Error> {
    match &config.checkpoints_url {
        Some(url) => Storage::open(url, bucket_options()).map_err(Error::Storage),
        None => storage(config),
    }
}

/// A bucket's options, by the names that other programs know them by too: `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ACCESS_KEY_ID`…
fn bucket_options() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.to_lowercase();
        name.starts_with("aws_").then_some((name, value.into_string().ok()?))
    })
}

/// The configured key, or one that is made once.
pub(crate) async fn master_key(config: &Config) -> Result<MasterKey, Error> {
    if let Some(key) = &config.master_key {
        return Ok(key.clone());
    }
    let _alone = Alone::wait().await?;
    let path = PathBuf::from(FOLDER).join("master.key");
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|error| Error::io(shown(&path))(io::Error::other(error))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = MasterKey::generate();
            write_secret(&path, key.text().as_bytes()).map_err(Error::io(shown(&path)))?;
            Ok(key)
        }
        Err(error) => Err(Error::io(shown(&path))(error)),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(part, path)
}
