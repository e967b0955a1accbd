//! Spans for a collector that speaks OTLP.

use std::{fmt, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter as ExportSpans},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt as _, registry::LookupSpan, util::SubscriberInitExt as _};
use url::Url;

use super::{LogFormat, log_layer};
use crate::{Breaker, Dependencies, Dependency, Interrupted};

/// How long a collector may take for one batch, and at the end for what is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody who uses the product notices.
const COLLECTOR: Dependency = Dependency::new("trace_collector");

/// Sends spans until it is [shut down](Self::shutdown).
#[derive(Clone)]
#[must_use = "what was not sent yet is lost unless it is shut down"]
pub struct Traces(SdkTracerProvider);

/// Spans cannot be sent there.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent to the collector")]
pub struct TracesError(#[source] ExporterBuildError);

impl Traces {
    /// Sends what was not sent yet, for at most five seconds. A collector that is away costs traces and nothing else.
    pub async fn shutdown(self) {
        let done = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if !matches!(done, Ok(Ok(()))) {
            tracing::warn!("the last traces were not sent");
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

/// Writes logs as [`init_logs`](super::init_logs) does, and sends a span for each request to an OpenTelemetry collector: OTLP over HTTP, in
/// Protobuf, at `{collector}/v1/traces`. Headers that the collector wants come from `OTEL_EXPORTER_OTLP_HEADERS`.
///
/// A span carries what the request's log lines do: ids, the route, the status. It is sent in the background, in batches; a collector that is
/// away or slow costs traces, never requests. Whether it is, these dependencies are told.
///
/// A second call, as in tests, changes nothing.
///
/// # Errors
///
/// Fails if the address is none.
pub fn init_telemetry(
    format: LogFormat,
    filter: &str,
    service: &'static str,
    collector: &Url,
    dependencies: &Dependencies,
) -> Result<Traces, TracesError> {
    let provider = provider(service, collector, dependencies.breaker(COLLECTOR))?;
    let set = tracing_subscriber::registry().with(log_layer(format, filter)).with(span_layer(&provider, service)).try_init();
    if set.is_err() {
        tracing::debug!("logs are written already");
    }
    Ok(Traces(provider))
}

fn provider(service: &'static str, collector: &Url, breaker: Breaker) -> Result<SdkTracerProvider, TracesError> {
    let endpoint = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(endpoint).with_timeout(PATIENCE);
    let exporter = Guarded { exporter: exporter.build().map_err(TracesError)?, breaker };
    let resource = Resource::builder().with_service_name(service).build();
    Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
}

/// Leaves a collector alone that does not answer; what it would have got meanwhile is lost.
#[derive(Debug)]
struct Guarded {
    exporter: SpanExporter,
    breaker: Breaker,
}

impl ExportSpans for Guarded {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.breaker.call(self.exporter.export(batch), |_: &OTelSdkError| true).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl From<Interrupted> for OTelSdkError {
    fn from(interrupted: Interrupted) -> Self {
        Self::InternalFailure(interrupted.to_string())
    }
}

fn span_layer<S>(provider: &SdkTracerProvider, service: &'static str) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // Sending spans makes spans, which would be sent.
    let own = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("hyper", LevelFilter::OFF)
        .with_target("hyper_util", LevelFilter::OFF)
        .with_target("reqwest", LevelFilter::OFF)
        .with_target("opentelemetry", LevelFilter::OFF)
        .with_target("sqlx", LevelFilter::OFF);
    let layer: OpenTelemetryLayer<S, SdkTracer> = tracing_opentelemetry::layer().with_tracer(provider.tracer(service));
    // Where in our sources a span began is of no use to those who run the program.
    layer.with_location(false).with_threads(false).with_filter(own)
}

#[cfg(test)]
mod tests {
    use std::{
        net::TcpListener,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use opentelemetry::trace::Tracer as _;

    use super::*;
    use crate::BreakerState;

    /// OPS-04: a collector that hangs up is left alone after as many batches as are stated.
    #[test]
    fn a_collector_that_is_away_is_not_asked_for_each_batch() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(connection);
            }
        });
        let hour = Duration::from_secs(3600);
        let breaker = Breaker::new(COLLECTOR.pauses(hour, hour));
        let provider = provider("test", &collector, breaker.clone()).unwrap();
        let send = || {
            drop(provider.tracer("test").start("request"));
            assert!(provider.force_flush().is_err());
        };
        (0..3).for_each(|_| send());
        assert_eq!(breaker.state(), BreakerState::Open);
        let asked = connections.load(Ordering::SeqCst);
        assert!(asked >= 3, "{asked}");
        (0..3).for_each(|_| send());
        assert_eq!(connections.load(Ordering::SeqCst), asked);
    }
}
