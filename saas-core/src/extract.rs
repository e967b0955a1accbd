//! Extractors whose refusals are problem documents.

mod flaws;
mod form;
mod json;
mod multipart;
mod path;
mod query;

pub use form::Form;
pub use json::{Json, Validate};
pub(crate) use multipart::is_over_limit;
pub use multipart::{Multipart, Upload};
pub use path::Path;
pub use query::Query;

use std::fmt::Display;

use crate::{FieldError, Problem};

/// Points at the field that serde stumbled over. A missing field is reported by its parent, so its name comes out of the message.
fn field_error(path: &serde_path_to_error::Path, message: &dyn Display) -> FieldError {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    // serde_json ends its messages with a position, which means nothing to whoever sent a form.
    let message = message.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        push(&mut pointer, name);
        return FieldError::new(pointer, "is missing");
    }
    FieldError::new(pointer, message)
}

fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

pub(crate) fn invalid(path: &serde_path_to_error::Path, message: &dyn Display) -> Problem {
    Problem::invalid([field_error(path, message)])
}
