//! What limiting the rate of requests costs each of them, and what a million keys take.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use axum::{Router, body::Body, extract::Request, routing::get};
use saas_core::{
    ClientAddress, Metrics, Principal, SessionId, SignedIn, TenantId, UserId,
    limit::{Ask, Key, MemoryStore, Rate, RateLimitStore as _, RateLimits, Rule, Subject},
};
use serde_json::json;
use tower::ServiceExt as _;

use crate::{Outcome, machine::memory_mib, plan::Plan, report::Report};

/// As many as a store keeps.
const KEYS: usize = MemoryStore::MOST_KEYS;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let requests = if plan.quick { 20_000 } else { 500_000 };
    let (mut without, mut with) = (f64::MAX, f64::MAX);
    // In turn, and the best of each: what else the machine does is none of the layer's cost.
    for _ in 0..plan.rounds {
        without = without.min(nanoseconds(&router(), requests).await?);
        with = with.min(nanoseconds(&limited(), requests).await?);
    }
    let (mib, new_ns, known_ns) = million().await?;
    report.say(&format!(
        "\nRate limits: {:.1} µs a request for two rules in process ({:.1} µs with them, {:.1} µs without)\n{KEYS} keys: {mib:.0} MiB (expected: \
         64 or less), {new_ns:.0} ns for a new one, {known_ns:.0} ns for a known one",
        (with - without) / 1000.0,
        with / 1000.0,
        without / 1000.0,
    ))?;
    report.section(
        "rate_limits",
        json!({
            "layer_ns": with - without, "request_ns_with": with, "request_ns_without": without,
            "keys": KEYS, "keys_mib": mib, "new_key_ns": new_ns, "known_key_ns": known_ns,
        }),
    )
}

fn router() -> Router {
    Router::new().route("/devices", get(async || "ok"))
}

/// Where a person is known: by address before anybody asks who it is, by account after that.
fn limited() -> Router {
    let limits = RateLimits::new(MemoryStore::new(), &Metrics::new());
    let most = Rate::per_second(1_000_000_000);
    let rules = [Rule::by_address("all", most).unannounced(), Rule::by_caller("account", most)];
    rules.into_iter().rev().fold(router(), |router, rule| router.layer(limits.layer([rule])))
}

/// Each request is another person's at another address, of a thousand.
async fn nanoseconds(router: &Router, requests: u32) -> Outcome<f64> {
    let people: Vec<_> = (0..1000).map(|_| Principal::User(Arc::new(SignedIn::new(UserId::new(), SessionId::new())))).collect();
    let began = Instant::now();
    for (nth, person) in (0..requests).zip(people.iter().cycle()) {
        let mut request = Request::builder().uri("/devices").body(Body::empty())?;
        request.extensions_mut().insert(ClientAddress(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + nth % 1000))));
        request.extensions_mut().insert(person.clone());
        let answer = router.clone().oneshot(request).await?;
        if !answer.status().is_success() {
            return Err(format!("{} in place of an answer", answer.status()).into());
        }
    }
    Ok(began.elapsed().as_nanos() as f64 / f64::from(requests))
}

/// The memory that keys take, and the time that one takes when it is new and when it is known.
async fn million() -> Outcome<(f64, f64, f64)> {
    let subjects: Vec<_> = (0..KEYS).map(|_| Subject::Tenant(TenantId::new())).collect();
    // Full, it would count nobody.
    let store = MemoryStore::with_most_keys(2 * KEYS);
    let (before, _) = memory_mib(std::process::id())?;
    let mut took = [0.0; 2];
    for took in &mut took {
        let began = Instant::now();
        for subject in &subjects {
            store.take(&[Ask { key: Key { rule: "keys", subject: *subject }, rate: Rate::per_hour(2) }]).await?;
        }
        *took = began.elapsed().as_nanos() as f64 / KEYS as f64;
    }
    let (after, _) = memory_mib(std::process::id())?;
    let [new_ns, known_ns] = took;
    Ok((after - before, new_ns, known_ns))
}
