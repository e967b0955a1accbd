//! Logs, and traces for whoever collects them.

#[cfg(feature = "otlp")]
mod otlp;

use std::{io::IsTerminal as _, str::FromStr};

#[cfg(feature = "otlp")]
pub use otlp::{Traces, TracesError, init_telemetry};
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

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

/// Writes logs to standard error from now on. `filter` names levels by target, as `RUST_LOG` does (`info,sqlx=warn`); one that cannot be read counts as
/// `info`.
///
/// A second call, as in tests, changes nothing.
pub fn init_logs(format: LogFormat, filter: &str) {
    if tracing_subscriber::registry().with(log_layer(format, filter)).try_init().is_err() {
        tracing::debug!("logs are written already");
    }
}

fn log_layer<S>(format: LogFormat, filter: &str) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // An `EnvFilter` looks at each span whenever a request goes on, and could do no more for us than this.
    let filter = filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).compact().with_filter(filter).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
    }
}

/// Shows errors in the output of the test that they belong to.
#[cfg(feature = "testing")]
pub(crate) fn init_test_logs() {
    let layer = tracing_subscriber::fmt::layer().with_test_writer().compact();
    let set = tracing_subscriber::registry().with(LevelFilter::ERROR).with(layer).try_init();
    if set.is_err() {
        tracing::debug!("logs are written already");
    }
}
