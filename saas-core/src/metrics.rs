//! Numbers about the program, for Prometheus and whatever reads its format.
//!
//! ```
//! use saas_core::Metrics;
//!
//! let metrics = Metrics::new();
//! let mails = metrics.counters("mails", "Mails that were handed over", ["outcome"]);
//! mails.of(["sent"]).inc();
//! metrics.watch("queue_length", "Mails that wait", [], || vec![([], 3.0)]);
//! assert!(metrics.text().contains("mails_total{outcome=\"sent\"} 1"));
//! ```
//!
//! # Security
//!
//! What the program counts is seen by whoever runs it, and kept for long. So a label's value is a word of the program's own (`&'static str`):
//! a tenant's name, a person's address or anything else that comes with a request cannot become one.

mod http;
mod serve;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) use http::HttpMetrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
    },
    registry::Registry,
};
pub use serve::serve_metrics;

/// All numbers of one program. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Mutex<Registry>,
    names: Mutex<BTreeSet<&'static str>>,
    http: HttpMetrics,
}

impl Metrics {
    /// Nothing counted yet. Requests are, once [`finish`](crate::finish) has it.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let http = HttpMetrics::register(&mut registry);
        Self { inner: Arc::new(Inner { registry: Mutex::new(registry), names: Mutex::default(), http }) }
    }

    /// Counters that only go up, one for each combination of the labels' values. `_total` is added to the name. Registered once for each
    /// name; a second time counts where nobody sees it, and is logged.
    #[must_use]
    pub fn counters<const N: usize>(&self, name: &'static str, help: &'static str, labels: [&'static str; N]) -> Counters<N> {
        let counters = Counters { labels, family: Family::default() };
        if self.is_new(name) {
            self.registry(|registry| registry.register(name, help, counters.family.clone()));
        }
        counters
    }

    /// Numbers that go up and down, asked each time that somebody reads the metrics: for each the labels' values and the number. `read`
    /// must be quick, and must not wait.
    pub fn watch<const N: usize, R>(&self, name: &'static str, help: &'static str, labels: [&'static str; N], read: R)
    where
        R: Fn() -> Vec<([&'static str; N], f64)> + Send + Sync + 'static,
    {
        self.collect(Watched { name, help, kind: MetricType::Gauge, labels, read });
    }

    /// The same for what something else counts, and only goes up. `_total` is added to the name.
    pub fn watch_counters<const N: usize, R>(&self, name: &'static str, help: &'static str, labels: [&'static str; N], read: R)
    where
        R: Fn() -> Vec<([&'static str; N], f64)> + Send + Sync + 'static,
    {
        self.collect(Watched { name, help, kind: MetricType::Counter, labels, read });
    }

    /// All of it in the OpenMetrics text format (1.0), which Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        if let Err(error) = self.registry(|registry| encode(&mut text, registry)) {
            tracing::error!(error = %error, "the metrics could not be written");
        }
        text
    }

    pub(crate) fn http(&self) -> &HttpMetrics {
        &self.inner.http
    }

    fn collect<const N: usize, R>(&self, watched: Watched<R, N>)
    where
        Watched<R, N>: Collector,
    {
        if self.is_new(watched.name) {
            self.registry(|registry| registry.register_collector(Box::new(watched)));
        }
    }

    fn registry<T>(&self, use_it: impl FnOnce(&mut Registry) -> T) -> T {
        use_it(&mut self.inner.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_new(&self, name: &'static str) -> bool {
        let is_new = self.inner.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        if !is_new {
            tracing::error!(metric = name, "two metrics have one name; the second is not shown");
        }
        is_new
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

type Label = (&'static str, &'static str);

/// Counters of one name. Cheap to clone.
#[derive(Clone)]
pub struct Counters<const N: usize> {
    labels: [&'static str; N],
    family: Family<Vec<Label>, Counter>,
}

impl<const N: usize> Counters<N> {
    /// The counter with these values of the labels, in the order in which the labels were named.
    #[must_use]
    pub fn of(&self, values: [&'static str; N]) -> CounterHandle {
        CounterHandle(self.family.get_or_create_owned(&labelled(self.labels, values)))
    }
}

impl<const N: usize> fmt::Debug for Counters<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// One counter. Cheap to clone; keep it where it is needed often. By default it counts where nobody sees it.
#[derive(Debug, Clone, Default)]
pub struct CounterHandle(Counter);

impl CounterHandle {
    /// One more.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// So many more.
    pub fn inc_by(&self, by: u64) {
        self.0.inc_by(by);
    }

    /// How many there were.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

fn labelled<const N: usize>(labels: [&'static str; N], values: [&'static str; N]) -> Vec<Label> {
    labels.into_iter().zip(values).collect()
}

struct Watched<R, const N: usize> {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    labels: [&'static str; N],
    read: R,
}

impl<R, const N: usize> Collector for Watched<R, N>
where
    R: Fn() -> Vec<([&'static str; N], f64)> + Send + Sync + 'static,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, self.kind)?;
        for (values, number) in (self.read)() {
            let labels = labelled(self.labels, values);
            let encoder = metric.encode_family(&labels)?;
            match self.kind {
                MetricType::Counter => ConstCounter::new(number).encode(encoder)?,
                _ => ConstGauge::new(number).encode(encoder)?,
            }
        }
        Ok(())
    }
}

impl<R, const N: usize> fmt::Debug for Watched<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("name", &self.name).finish_non_exhaustive()
    }
}
