//! Whether the time of an answer says that an address has an account (ASVS 6.3.8): Welch's t of known against unknown, flow by flow.

use std::time::Instant;

use serde_json::{Value, json};

use super::Identity;
use crate::{
    Outcome,
    http::{Connection, request},
    plan::Plan,
    report::Report,
};

/// Above it two means are different, by the bar of tests for side channels (TVLA).
const DIFFERENT: f64 = 4.5;

struct Flow {
    name: &'static str,
    path: &'static str,
    body: fn(&str) -> Value,
}

const FLOWS: [Flow; 6] = [
    Flow { name: "sign-in", path: "/api/v1/auth/sign-in", body: |email| json!({ "email": email, "password": "not the one that it is" }) },
    Flow {
        name: "sign-up",
        path: "/api/v1/auth/sign-up",
        body: |email| json!({ "name": "Somebody", "email": email, "password": "another river under glass" }),
    },
    Flow { name: "reset", path: "/api/v1/auth/reset", body: |email| json!({ "email": email }) },
    Flow { name: "sign-in link", path: "/api/v1/auth/sign-in/link", body: |email| json!({ "email": email }) },
    Flow { name: "resend", path: "/api/v1/auth/verify/resend", body: |email| json!({ "email": email }) },
    Flow {
        name: "token",
        path: "/api/v1/auth/token",
        body: |email| json!({ "organization": "none", "credentials": { "email": email, "password": "not the one that it is" } }),
    },
];

pub(crate) async fn measure(identity: &Identity, plan: &Plan, report: &mut Report) -> Outcome<()> {
    report.say(&format!(
        "\nKnown against unknown addresses, {} of each\n{:24}{:>12}{:>12}{:>9}",
        plan.pairs, "", "known ms", "unknown ms", "t"
    ))?;
    let mut found = Vec::new();
    for (number, flow) in FLOWS.iter().enumerate() {
        let name = format!("known-{number}-");
        identity.accounts(&name, plan.pairs).await?;
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        let mut connection = Connection::open(identity.product.address).await?;
        let mut status = None;
        for pair in 0..plan.pairs {
            // Each address once, each from a network of its own, and the two in turn first.
            let addresses = [format!("{name}{pair}@example.test"), format!("unknown-{number}-{pair}@example.test")];
            for side in if pair % 2 == 0 { [0, 1] } else { [1, 0] } {
                let client = format!("10.{}.{}.{}", number * 2 + side, pair / 250, pair % 250 + 1);
                let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", client.as_str())];
                let request = request("POST", flow.path, &headers, (flow.body)(&addresses[side]).to_string().as_bytes());
                let started = Instant::now();
                let (answered, body) = connection.exchange(&request).await?;
                let took = started.elapsed().as_secs_f64() * 1000.0;
                if *status.get_or_insert(answered) != answered {
                    return Err(format!("{}: {answered} and not {status:?}: {}", flow.name, String::from_utf8_lossy(body)).into());
                }
                if side == 0 { known.push(took) } else { unknown.push(took) }
            }
        }
        let t = welch(&known, &unknown);
        let verdict = if t.abs() < DIFFERENT { "" } else { "  different" };
        report.say(&format!("{:24}{:>12.3}{:>12.3}{t:>9.2}{verdict}", flow.name, mean(&known), mean(&unknown)))?;
        found.push(json!({ "flow": flow.name, "status": status, "known_ms": mean(&known), "unknown_ms": mean(&unknown), "t": t }));
    }
    report.section("timing", json!({ "pairs": plan.pairs, "flows": found }))
}

/// How many standard errors the means are apart.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    (mean(one) - mean(other)) / (variance(one) / one.len() as f64 + variance(other) / other.len() as f64).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}
