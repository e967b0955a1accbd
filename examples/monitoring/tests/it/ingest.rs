//! What agents send, and what becomes of it.

mod bad_input;
mod devices;
mod keys;
mod presence;
mod readings;
mod registration;

use std::net::Ipv4Addr;

use serde_json::{Value, json};

/// Devices of one network, by number.
pub(crate) fn found(numbers: impl IntoIterator<Item = u32>) -> Value {
    let devices: Vec<_> = numbers.into_iter().map(|number| json!({ "address": address(number), "found_by": ["tcp"] })).collect();
    json!({ "devices": devices })
}

fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + number)
}
