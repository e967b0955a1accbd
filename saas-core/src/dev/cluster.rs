//! Opening the cluster of a directory: the part that waits for files, locks and processes.

use std::{
    fs::{self, File},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use super::{
    DevError, DevOptions,
    binaries::Binaries,
    guardian::{self, Membership},
    launch,
    place::Place,
    postmaster::{self, State},
};

/// Creating a cluster on a slow disk, or its recovery after a crash, may take long; a hang must not take forever.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running cluster that we have joined.
pub(super) struct Cluster {
    pub(super) directory: PathBuf,
    pub(super) port: u16,
    /// The superuser's password.
    pub(super) secret: String,
    pub(super) membership: Membership,
    /// The start lock.
    pub(super) lock: File,
}

pub(super) fn open(options: &DevOptions) -> Result<Cluster, DevError> {
    let deadline = Instant::now() + PATIENCE;
    let directory = Place::directory(&options.directory)?;
    let lock = Place::lock(&directory, deadline)?;
    let place = Place::settle(&directory)?;
    let mut binaries = None;
    let membership = match guardian::join(&place, deadline)? {
        Some(membership) => membership,
        None => {
            let found = Binaries::find(&place, &options.programs)?;
            let membership = guardian::employ(&place, &found.program("pg_ctl"), options.linger)?;
            binaries = Some(found);
            membership
        }
    };
    let port = match running(&place, deadline)? {
        Some(port) => port,
        None => {
            let binaries = match binaries {
                Some(binaries) => binaries,
                None => Binaries::find(&place, &options.programs)?,
            };
            start(&place, &binaries, options.durable, deadline)?
        }
    };
    place.record(port)?;
    Ok(Cluster { directory, port, secret: place.secret()?, membership, lock })
}

/// The port of the server, if it runs.
fn running(place: &Place, deadline: Instant) -> Result<Option<u16>, DevError> {
    let data = place.data();
    loop {
        match postmaster::state(&data) {
            State::Ready { port, .. } => return Ok(Some(port)),
            State::Stopped => return Ok(None),
            State::Stale => {
                guardian::remove(&data.join("postmaster.pid"))?;
                return Ok(None);
            }
            State::Busy if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            State::Busy => {
                return Err(DevError::Timeout { awaited: "the development database is ready", path: place.log() });
            }
        }
    }
}

fn start(place: &Place, binaries: &Binaries, durable: bool, deadline: Instant) -> Result<u16, DevError> {
    if place.data_version()?.is_none() {
        launch::initialize(place, binaries, durable)?;
    }
    match launch::launch(place, binaries, durable, deadline) {
        // Without fsync a power cut may leave data that no server can recover, and nobody was promised to keep it.
        Err(DevError::Start { log, output }) if !durable => {
            tracing::warn!(log = %log.display(), "the test cluster does not start and is created anew: {output}");
            fs::remove_dir_all(place.data()).map_err(DevError::file("remove", place.data()))?;
            launch::initialize(place, binaries, durable)?;
            launch::launch(place, binaries, durable, deadline)
        }
        result => result,
    }
}
