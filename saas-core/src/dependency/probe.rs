use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;

use super::breaker::{Breaker, Inner};

/// Asks whether the dependency is back.
pub(super) type Probe = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// Asks after each pause, until the breaker has closed or nobody has it any more.
pub(super) async fn find_out(breaker: Weak<Inner>) {
    while let Some(inner) = breaker.upgrade() {
        let it = Breaker { inner: Arc::clone(&inner) };
        let Some(entered) = it.enter_to_find_out() else { return };
        drop(it);
        match (entered, inner.probe()) {
            (Ok(pass), Some(probe)) => {
                // One that panics is no answer, and not the end of asking.
                let asked = AssertUnwindSafe(async { probe().await }).catch_unwind();
                if asked.await.unwrap_or(false) { pass.succeeded() } else { pass.failed() }
            }
            (Err(pause), _) => {
                drop(inner);
                tokio::time::sleep(pause).await;
            }
            (Ok(_), None) => return,
        }
    }
}
