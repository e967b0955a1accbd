//! Starting, running, draining.

use std::{io, sync::Arc};

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

    /// Begins to stop at SIGTERM or Ctrl-C. Both are heard from the moment that this returns, so call it before saying that the program is
    /// ready.
    ///
    /// # Errors
    ///
    /// Fails if the system does not let signals be heard.
    pub fn drain_on_signals(&self) -> io::Result<()> {
        let signalled = signalled()?;
        let lifecycle = self.clone();
        tokio::spawn(async move {
            signalled.await;
            tracing::info!("stopping");
            lifecycle.drain();
        });
        Ok(())
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

#[cfg(unix)]
fn signalled() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    })
}

#[cfg(windows)]
fn signalled() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}
