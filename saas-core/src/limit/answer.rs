//! What a client is told about limits.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Count, Rate};
use crate::{Problem, ProblemType};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// One rule's limit and how far it is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) rate: Rate,
    pub(super) count: Count,
}

impl Told {
    /// Adds the headers, unless a rule further inside has: it knows more about the caller.
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        if headers.contains_key(&LIMIT) {
            return;
        }
        headers.insert(LIMIT, HeaderValue::from(self.rate.limit().get()));
        headers.insert(REMAINING, HeaderValue::from(self.count.remaining));
        headers.insert(RESET, HeaderValue::from(seconds(self.count.reset)));
    }

    /// 429 with the limit, the use, when to come back and what else can be done.
    pub(super) fn refuse(self, wait: Duration, depends_on_plan: bool) -> Refused {
        let (limit, window, wait_s) = (self.rate.limit().get(), seconds(self.rate.window()), seconds(wait));
        let remedy = if depends_on_plan { ", or choose a larger plan" } else { "" };
        let owner = if depends_on_plan { "your plan allows" } else { "this allows" };
        let problem = Problem::new(&ProblemType::TOO_MANY_REQUESTS)
            .detail(format!("{owner} {limit} requests in {window} seconds; try again in {wait_s} seconds{remedy}"))
            .with("limit", limit)
            .with("used", limit - self.count.remaining.min(limit))
            .with("window", window)
            .with("reset", seconds(self.count.reset))
            .retry_after(wait);
        Refused { problem, told: Some(self) }
    }
}

/// A request that gets to no handler.
#[derive(Debug)]
pub(super) struct Refused {
    problem: Problem,
    told: Option<Told>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, told: None }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if let Some(told) = self.told {
            told.add_to(response.headers_mut());
        }
        response
    }
}

/// Rounded up: who comes back after so many whole seconds is not too early.
fn seconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}
