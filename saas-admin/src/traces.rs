use saas_core::Dependencies;

use crate::{Error, Product, config::Config};

/// Writes logs, and sends traces if it is configured where to.
pub(crate) fn init(product: &Product, config: &Config, dependencies: &Dependencies) -> Result<Traces, Error> {
    match &config.collector {
        Some(collector) => sent(product, config, collector, dependencies),
        None => {
            saas_core::init_logs(config.log_format, &config.log_filter);
            Ok(Traces::default())
        }
    }
}

/// What is sent, if anything is.
#[derive(Default)]
pub(crate) struct Traces {
    #[cfg(feature = "otlp")]
    sent: Option<saas_core::Traces>,
}

impl Traces {
    pub(crate) async fn shutdown(self) {
        #[cfg(feature = "otlp")]
        if let Some(sent) = self.sent {
            sent.shutdown().await;
        }
    }
}

#[cfg(feature = "otlp")]
fn sent(product: &Product, config: &Config, collector: &url::Url, dependencies: &Dependencies) -> Result<Traces, Error> {
    let sent = saas_core::init_telemetry(config.log_format, &config.log_filter, product.name, collector, dependencies);
    Ok(Traces { sent: Some(sent.map_err(|error| Error::Traces(Box::new(error)))?) })
}

#[cfg(not(feature = "otlp"))]
fn sent(_: &Product, _: &Config, _: &url::Url, _: &Dependencies) -> Result<Traces, Error> {
    Err(Error::Traces("OTEL_EXPORTER_OTLP_ENDPOINT is set, and this program is built without the feature otlp".into()))
}
