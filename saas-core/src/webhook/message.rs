//! What is sent.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::MessageId;
use crate::{EventId, RecordedEvent};

/// The longest body: Standard Webhooks recommends less than 20 kB, and the table takes no more.
const LONGEST: usize = 20_000;

/// The name of the event that somebody sends to see whether it arrives.
pub(super) const TEST: &str = "webhook.test";

/// The payload of Standard Webhooks (`type`, `timestamp`, `data`), and what the framework knows besides.
#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    timestamp: String,
    data: &'a Value,
    /// The version of the shape of `data`.
    version: i32,
    /// What it happened to.
    subject: &'a str,
    /// Microseconds since 1970, by the clock of the node where it happened: of two about one subject, the larger is the later, as far as clocks agree.
    sequence: i64,
}

impl From<EventId> for MessageId {
    fn from(id: EventId) -> Self {
        uuid::Uuid::from(id).into()
    }
}

impl MessageId {
    /// As `webhook-id` says it.
    pub(super) fn header(self) -> String {
        format!("msg_{}", uuid::Uuid::from(self).simple())
    }
}

/// The body for an event. What would make it too long is left out, and `data` says so; the receiver may ask for it.
pub(super) fn body(event: &RecordedEvent) -> String {
    let text = text(&event.name, event.at, &event.data, event.version, &event.subject);
    if text.len() <= LONGEST {
        return text;
    }
    self::text(&event.name, event.at, &json!({ "omitted": "too long" }), event.version, &event.subject)
}

pub(super) fn test_body(at: DateTime<Utc>, endpoint: &str) -> String {
    text(TEST, at, &json!({ "message": "This is a test." }), 1, endpoint)
}

fn text(name: &str, at: DateTime<Utc>, data: &Value, version: i32, subject: &str) -> String {
    let timestamp = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let payload = Payload { r#type: name, timestamp, data, version, subject, sequence: at.timestamp_micros() };
    // Text and values that came out of JSON are always JSON.
    serde_json::to_string(&payload).unwrap_or_default()
}
