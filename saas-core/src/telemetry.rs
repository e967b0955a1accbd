//! Logs.

use std::{io::IsTerminal as _, str::FromStr};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For eyes.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(text: &str) -> Result<Self, LogFormatError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogFormatError),
        }
    }
}

/// The text names no format of logs.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("logs are written as text or json")]
pub struct LogFormatError;

/// Writes logs to standard error from now on. `filter` is in the syntax of `RUST_LOG`; one that cannot be read counts as `info`.
///
/// A second call, as in tests, changes nothing.
pub fn init_logs(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => registry.with(layer.with_ansi(std::io::stderr().is_terminal()).compact()).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    if set.is_err() {
        tracing::debug!("logs are written already");
    }
}

/// Shows errors in the output of the test that they belong to.
#[cfg(feature = "testing")]
pub(crate) fn init_test_logs() {
    let layer = tracing_subscriber::fmt::layer().with_test_writer().compact();
    let set = tracing_subscriber::registry().with(EnvFilter::new("error")).with(layer).try_init();
    if set.is_err() {
        tracing::debug!("logs are written already");
    }
}
