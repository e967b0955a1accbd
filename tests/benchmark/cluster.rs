//! A cluster for one run, set up as development's is, and removed afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use saas_core::dev::{self, DevDatabase, DevOptions};
use sqlx::{Connection as _, PgConnection};

use crate::Outcome;

pub(crate) struct Cluster {
    target: PathBuf,
    folder: PathBuf,
    /// The database with all the rows.
    pub(crate) big: DevDatabase,
    /// The one with few.
    pub(crate) small: DevDatabase,
    data: PathBuf,
}

impl Cluster {
    pub(crate) async fn start() -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let target = program.parent().and_then(Path::parent).ok_or("the program is not in Cargo's target folder")?.to_owned();
        let all = target.join("bench-cluster");
        sweep(&all)?;
        let folder = all.join(std::process::id().to_string());
        fs::create_dir_all(&folder)?;
        let (big, small) = (database(&folder, "bench").await?, database(&folder, "bench_small").await?);
        let mut connection = PgConnection::connect(big.superuser_url()).await?;
        let data: String = sqlx::query_scalar("select current_setting('data_directory')").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(Self { target, folder, big, small, data: data.into() })
    }

    /// Another database, for as long as this is kept.
    pub(crate) async fn database(&self, name: &str) -> Outcome<DevDatabase> {
        database(&self.folder, name).await
    }

    pub(crate) fn version(&self) -> &str {
        self.big.postgres_version()
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A folder of this run.
    pub(crate) fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    pub(crate) fn postmaster(&self) -> Outcome<u32> {
        postmaster(&self.data)
    }

    /// Stops the server in good order and starts it again.
    pub(crate) async fn restart(&self) -> Outcome<()> {
        let mut connection = PgConnection::connect(self.big.superuser_url()).await?;
        let programs: String = sqlx::query_scalar("select setting from pg_config where name = 'BINDIR'").fetch_one(&mut connection).await?;
        connection.close().await?;
        let mut command = Command::new(Path::new(&programs).join("pg_ctl"));
        command.args(["restart", "-s", "-w", "-m", "fast", "-D"]).arg(&self.data).arg("-l").arg(self.data.with_file_name("restart.log"));
        command.current_dir(&self.data).stdin(Stdio::null()).stdout(Stdio::null());
        as_owner(&mut command, &self.data)?;
        let status = tokio::task::spawn_blocking(move || command.status()).await??;
        if status.success() { Ok(()) } else { Err(format!("pg_ctl restart: {status}").into()) }
    }

    /// Stops the cluster and removes what it left.
    pub(crate) async fn remove(self) -> Outcome<()> {
        drop((self.big, self.small));
        wait_until_stopped(&self.data).await?;
        forget(&self.folder)?;
        // Others may be running; the last one removes it.
        drop(fs::remove_dir(self.target.join("bench-cluster")));
        Ok(())
    }
}

async fn database(folder: &Path, name: &str) -> Outcome<DevDatabase> {
    Ok(dev::start(DevOptions { directory: folder.join("database"), ..DevOptions::new(name) }).await?)
}

/// PostgreSQL refuses to be run by root: whoever the data belongs to does it.
fn as_owner(command: &mut Command, data: &Path) -> io::Result<()> {
    use std::os::unix::{fs::MetadataExt as _, process::CommandExt as _};
    if rustix::process::geteuid().is_root() {
        let owner = fs::metadata(data)?;
        command.uid(owner.uid()).gid(owner.gid());
    }
    Ok(())
}

fn postmaster(data: &Path) -> Outcome<u32> {
    let text = fs::read_to_string(data.join("postmaster.pid"))?;
    Ok(text.lines().next().unwrap_or_default().trim().parse()?)
}

/// A cluster stops when its last user has gone.
pub(crate) async fn wait_until_stopped(data: &Path) -> Outcome<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while data.join("postmaster.pid").exists() {
        if Instant::now() > deadline {
            return Err(format!("the server in {} does not stop", data.display()).into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Where the cluster of a development folder has its data.
pub(crate) fn data_of(folder: &Path) -> Outcome<PathBuf> {
    let record: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("postgres.json"))?)?;
    let home = record.get("home").and_then(serde_json::Value::as_str).ok_or("postgres.json says no home")?;
    Ok(Path::new(home).join("data"))
}

/// Removes a run's folder, and the homes of its clusters, which may lie elsewhere.
fn forget(folder: &Path) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let inner = entry?.path();
        for folder in [inner.clone(), inner.join(".saas")] {
            if let Ok(data) = data_of(&folder)
                && let Some(home) = data.parent()
                && home.exists()
            {
                fs::remove_dir_all(home)?;
            }
        }
    }
    Ok(fs::remove_dir_all(folder)?)
}

/// Removes what runs left that were killed.
fn sweep(all: &Path) -> Outcome<()> {
    for entry in fs::read_dir(all).into_iter().flatten() {
        let folder = entry?.path();
        let process = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            forget(&folder)?;
        }
    }
    Ok(())
}
