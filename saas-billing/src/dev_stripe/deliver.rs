//! The postman: signs events and brings them, and comes again where nobody took them.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{Shared, books::Delivery};

/// How long an endpoint may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how long it comes again. Stripe does so for three days; here somebody is waiting.
const AGAIN: &[Duration] = &[
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];

pub(super) async fn run(shared: Shared) {
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the stand-in for Stripe cannot deliver events");
            return;
        }
    };
    loop {
        let (next, wake) = shared.next();
        match next {
            Some(delivery) => bring(&shared, &client, delivery).await,
            None => {
                let sleep = tokio::time::sleep_until(wake.unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600)));
                tokio::select! { () = sleep => {}, () = shared.news.notified() => {} }
            }
        }
    }
}

impl Shared {
    /// The delivery that is due longest, or when the next one will be.
    fn next(&self) -> (Option<Delivery>, Option<Instant>) {
        let mut books = self.books();
        let first = (0..books.deliveries.len()).min_by_key(|place| books.deliveries[*place].due);
        match first {
            Some(place) if books.deliveries[place].due <= Instant::now() => (Some(books.deliveries.remove(place)), None),
            Some(place) => (None, Some(books.deliveries[place].due)),
            None => (None, None),
        }
    }

    fn address_of(&self, endpoint: &str) -> Option<(String, String, i64)> {
        let books = self.books();
        let url = books.get("webhook_endpoint", endpoint)?["url"].as_str()?.to_owned();
        // The time of the signature is ours, whatever time a test clock has.
        Some((url, books.secrets.get(endpoint)?.clone(), books.now()))
    }
}

async fn bring(shared: &Shared, client: &reqwest::Client, delivery: Delivery) {
    let Some((url, secret, now)) = shared.address_of(&delivery.endpoint) else { return };
    let body = delivery.event.to_string();
    let request = client
        .post(url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (stand-in)")
        .header("stripe-signature", signature(&secret, now, &body))
        .body(body);
    let taken = request.send().await.is_ok_and(|answer| answer.status().is_success());
    let mut books = shared.books();
    if taken {
        if let Some(id) = delivery.event["id"].as_str() {
            books.change("event", id, json!({ "pending_webhooks": 0 }));
        }
    } else if let Some(after) = AGAIN.get(usize::try_from(delivery.attempt).unwrap_or(usize::MAX)) {
        books.deliveries.push(Delivery { attempt: delivery.attempt + 1, due: Instant::now() + *after, ..delivery });
    }
}

fn signature(secret: &str, at: i64, body: &str) -> String {
    let mut block = [0; 64];
    match block.get_mut(..secret.len()) {
        Some(start) => start.copy_from_slice(secret.as_bytes()),
        None => block[..32].copy_from_slice(&Sha256::digest(secret)),
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(format!("{at}.{body}").as_bytes());
    let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={digest}")
}
