//! The devices that the agent knows, across restarts.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    discovery::Found,
    networks::Networks,
    probe::Proof,
    protocol::FoundDevice,
    state::{StateDir, StateError},
};

/// The known devices, by address.
pub(super) struct KnownDevices {
    devices: Mutex<BTreeMap<IpAddr, Found>>,
}

impl KnownDevices {
    /// Reads what was known, as far as it belongs to the networks that are watched now. A damaged file is the same as none:
    /// the first sweep finds the devices again.
    pub(super) fn load(state: &StateDir, networks: &Networks) -> Self {
        let devices: Vec<Found> = match state.devices() {
            Ok(devices) => devices.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "the known devices cannot be read, and are searched anew");
                Vec::new()
            }
        };
        let watched = devices.into_iter().filter(|device| networks.contains(device.address));
        Self { devices: Mutex::new(watched.map(|device| (device.address, device)).collect()) }
    }

    /// Keeps what is known.
    pub(super) fn save(&self, state: &StateDir) -> Result<(), StateError> {
        let devices: Vec<Found> = self.lock().values().cloned().collect();
        state.save_devices(&devices)
    }

    /// Those of the found hosts that are new, or of which the server would hear something new.
    pub(super) fn news(&self, found: &[Found]) -> Vec<FoundDevice> {
        let devices = self.lock();
        let is_news = |device: &FoundDevice| devices.get(&device.address).map(FoundDevice::from).as_ref() != Some(device);
        found.iter().map(FoundDevice::from).filter(is_news).collect()
    }

    /// Gives hosts whose name could not be looked up this time the name that they had.
    pub(super) fn keep_names(&self, found: &mut [Found]) {
        let devices = self.lock();
        for host in found.iter_mut().filter(|host| host.hostname.is_none()) {
            host.hostname = devices.get(&host.address).and_then(|known| known.hostname.clone());
        }
    }

    /// Remembers found hosts as they were found last.
    pub(super) fn remember(&self, found: Vec<Found>) {
        self.lock().extend(found.into_iter().map(|host| (host.address, host)));
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The devices that answer for themselves, with how.
    pub(super) fn direct(&self) -> Vec<(IpAddr, Proof)> {
        let devices = self.lock();
        let proofs = devices.values().map(|device| (device.address, Proof::of(&device.found_by, device.port)));
        proofs.filter(|(_, proof)| !proof.is_none()).collect()
    }

    /// The devices that show in the neighbour table only.
    pub(super) fn neighbours(&self) -> Vec<IpAddr> {
        let devices = self.lock();
        let silent = devices.values().filter(|device| Proof::of(&device.found_by, device.port).is_none());
        silent.map(|device| device.address).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Found>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
