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
    // What was sent is in the message, too: the last of these words are serde's.
    let choices = message.strip_prefix("unknown variant `").and_then(|rest| rest.rsplit_once("`, expected "));
    if let Some((_, choices)) = choices.filter(|(_, choices)| choices.contains('`')) {
        let choices: Vec<&str> = choices.split('`').skip(1).step_by(2).collect();
        return FieldError::new(pointer, format!("must be one of {}", choices.join(", ")));
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Two {
        En,
        De,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Three {
        A,
        B,
        C,
    }

    fn told<T: for<'de> Deserialize<'de> + std::fmt::Debug>(sent: &str) -> String {
        let text = serde_json::json!({ "it": sent }).to_string();
        let error =
            serde_path_to_error::deserialize::<_, std::collections::BTreeMap<String, T>>(&mut serde_json::Deserializer::from_str(&text));
        let error = error.unwrap_err();
        field_error(error.path(), error.inner()).detail
    }

    #[test]
    fn a_wrong_choice_is_told_what_there_is_to_choose_from() {
        assert_eq!(told::<Two>("xx"), "must be one of en, de");
        assert_eq!(told::<Two>("x`, expected `fr"), "must be one of en, de");
        assert_eq!(told::<Three>(""), "must be one of a, b, c");
    }
}
