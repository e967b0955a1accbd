//! Starting, running, draining.

use std::sync::Arc;

use tokio::sync::watch;

/// Where the program is in its life. Cheap to clone; all clones see the same.
#[derive(Debug, Clone)]
pub struct Lifecycle(Arc<watch::Sender<bool>>);

impl Lifecycle {
    /// A program that runs.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Begins to stop: readiness turns to 503, live streams end, no new connection is taken.
    pub fn drain(&self) {
        self.0.send_replace(true);
    }

    /// Whether the program is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the program begins to stop.
    pub async fn draining(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives in self, so the channel cannot close before.
        drop(receiver.wait_for(|draining| *draining).await);
    }

    pub(crate) async fn draining_owned(self) {
        self.draining().await;
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}
