//! Spans for a collector that speaks OTLP.

use std::{fmt, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt as _, registry::LookupSpan, util::SubscriberInitExt as _};
use url::Url;

use super::{LogFormat, log_layer};

/// How long a collector may take for one batch, and at the end for what is left.
const PATIENCE: Duration = Duration::from_secs(5);

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
/// away or slow costs traces, never requests.
///
/// A second call, as in tests, changes nothing.
///
/// # Errors
///
/// Fails if the address is none.
pub fn init_telemetry(format: LogFormat, filter: &str, service: &'static str, collector: &Url) -> Result<Traces, TracesError> {
    let provider = provider(service, collector)?;
    let set = tracing_subscriber::registry().with(log_layer(format, filter)).with(span_layer(&provider, service)).try_init();
    if set.is_err() {
        tracing::debug!("logs are written already");
    }
    Ok(Traces(provider))
}

fn provider(service: &'static str, collector: &Url) -> Result<SdkTracerProvider, TracesError> {
    let endpoint = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(endpoint).with_timeout(PATIENCE);
    let exporter = exporter.build().map_err(TracesError)?;
    let resource = Resource::builder().with_service_name(service).build();
    Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
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
