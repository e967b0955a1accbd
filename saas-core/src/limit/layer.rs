use std::{
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures_core::future::BoxFuture;
use http::request::Parts;
use tower::{Layer, Service};

use super::{
    Ask, Claimed, Count, RateLimitStore, Rule, StoreError,
    answer::{Refused, Told},
    email,
};
use crate::{Counters, Metrics, Problem};

/// Limits the rate of requests by rules, which share one store. Cheap to clone.
#[derive(Clone)]
pub struct RateLimits {
    inner: Arc<Inner>,
}

struct Inner {
    store: Box<dyn RateLimitStore>,
    /// By rule and what came of it.
    asked: Counters<2>,
    is_away: AtomicBool,
}

impl RateLimits {
    /// Counts in this store, and counts in the metrics what the rules said.
    #[must_use]
    pub fn new(store: impl RateLimitStore, metrics: &Metrics) -> Self {
        let asked = metrics.counters("rate_limit_asked", "Requests that a rate limit looked at", ["rule", "outcome"]);
        Self { inner: Arc::new(Inner { store: Box::new(store), asked, is_away: AtomicBool::new(false) }) }
    }

    /// A layer that applies these rules, in this order, with one question to the store. Put the narrow ones first: those behind one that
    /// refuses are not counted.
    pub fn layer(&self, rules: impl IntoIterator<Item = Rule>) -> RateLimitLayer {
        RateLimitLayer { limits: self.clone(), rules: rules.into_iter().collect() }
    }

    /// Headers to add, or none; or the answer in place of the handler's.
    async fn decide(&self, rules: &[&Rule], parts: &Parts, email: Option<Claimed>) -> Result<Option<Told>, Refused> {
        let mut asks = Vec::with_capacity(rules.len());
        let mut asking = Vec::with_capacity(rules.len());
        for rule in rules {
            if let Some(ask) = rule.ask(parts, email).await? {
                asks.push(ask);
                asking.push(*rule);
            }
        }
        if asks.is_empty() {
            return Ok(None);
        }
        match self.inner.store.take(&asks).await {
            Ok(counts) => {
                self.found();
                self.weigh(&asking, &asks, &counts)
            }
            Err(error) => self.without(&asking, error),
        }
    }

    fn weigh(&self, rules: &[&Rule], asks: &[Ask], counts: &[Option<Count>]) -> Result<Option<Told>, Refused> {
        let mut tightest: Option<Told> = None;
        for ((rule, ask), count) in rules.iter().zip(asks).zip(counts) {
            let Some(count) = count else {
                self.uncounted(rule);
                if rule.is_closed() {
                    return Err(Problem::unavailable(StoreError::Full).into());
                }
                continue;
            };
            let told = Told { rate: ask.rate, count: *count };
            if let Some(wait) = count.retry_after {
                self.inner.asked.of([rule.name(), "refused"]).inc();
                return Err(told.refuse(wait, rule.depends_on_plan()));
            }
            self.inner.asked.of([rule.name(), "allowed"]).inc();
            if rule.is_announced() && tightest.is_none_or(|it| count.remaining < it.count.remaining) {
                tightest = Some(told);
            }
        }
        Ok(tightest)
    }

    fn without(&self, rules: &[&Rule], error: StoreError) -> Result<Option<Told>, Refused> {
        if !self.inner.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "rate limits cannot be checked: what must not be guessed is refused, all else is let through"
            );
        }
        for rule in rules {
            self.uncounted(rule);
        }
        if rules.iter().any(|rule| rule.is_closed()) { Err(Problem::unavailable(error).into()) } else { Ok(None) }
    }

    fn uncounted(&self, rule: &Rule) {
        self.inner.asked.of([rule.name(), if rule.is_closed() { "closed" } else { "unchecked" }]).inc();
    }

    fn found(&self) {
        if self.inner.is_away.load(Ordering::Relaxed) && self.inner.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("rate limits are checked again");
        }
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits").field("store", &self.inner.store).finish_non_exhaustive()
    }
}

/// Applies [`RateLimitService`]. Made by [`RateLimits::layer`].
#[derive(Debug, Clone)]
#[must_use]
pub struct RateLimitLayer {
    limits: RateLimits,
    rules: Arc<[Rule]>,
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService { inner, layer: self.clone() }
    }
}

/// Lets a request through and says how many more may follow, or answers 429.
#[derive(Debug, Clone)]
pub struct RateLimitService<S> {
    inner: S,
    layer: RateLimitLayer,
}

impl<S> Service<Request> for RateLimitService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone has not been polled ready; the original has, so it takes the call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            match layer.admit(request).await {
                Ok((request, told)) => {
                    let mut response = inner.call(request).await?;
                    if let Some(told) = told {
                        told.add_to(response.headers_mut());
                    }
                    Ok(response)
                }
                Err(refused) => Ok(refused.into_response()),
            }
        })
    }
}

impl RateLimitLayer {
    async fn admit(&self, request: Request) -> Result<(Request, Option<Told>), Refused> {
        let (parts, mut body) = request.into_parts();
        let rules: Vec<&Rule> = self.rules.iter().filter(|rule| rule.applies(&parts)).collect();
        let mut email = None;
        if rules.iter().any(|rule| rule.wants_email()) {
            (body, email) = email::read(&parts.headers, body).await?;
        }
        let told = self.limits.decide(&rules, &parts, email).await?;
        Ok((Request::from_parts(parts, body), told))
    }
}
