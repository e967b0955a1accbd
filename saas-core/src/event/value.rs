//! What events carry that is not simply a value.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;
use utoipa::ToSchema;

/// A value that says something about a person: an address, a name, a place.
///
/// Consumers of the event see it while the event lives; the audit log, which outlives them all, says [`MASK`] in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct Personal<T>(pub T);

/// A value that nobody is to see: the log says that there was one, and everything else does too.
#[derive(Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String)]
pub struct Masked<T>(pub T);

/// What stands where a value is masked.
pub const MASK: &str = "[masked]";

/// A value before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change<T> {
    /// What it was.
    pub old: T,
    /// What it is now.
    pub new: T,
}

impl<T> Change<T> {
    /// From `old` to `new`.
    #[must_use]
    pub const fn new(old: T, new: T) -> Self {
        Self { old, new }
    }
}

/// How a personal value is marked between its type and [`split`]. Nobody else writes a key like it.
const MARK: &str = "\u{1}personal";

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry(MARK, &self.0)?;
        map.end()
    }
}

impl<T> Serialize for Masked<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(MASK)
    }
}

impl<T> std::fmt::Debug for Masked<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

/// The data as consumers see it, and as the audit log keeps it.
pub(super) fn split(data: Value) -> (Value, Value) {
    match data {
        Value::Object(map) => {
            if let (1, Some(value)) = (map.len(), map.get(MARK)) {
                return (split(value.clone()).0, Value::from(MASK));
            }
            let (mut plain, mut kept) = (serde_json::Map::new(), serde_json::Map::new());
            for (key, value) in map {
                let (shown, audited) = split(value);
                plain.insert(key.clone(), shown);
                kept.insert(key, audited);
            }
            (plain.into(), kept.into())
        }
        Value::Array(items) => {
            let (plain, kept): (Vec<_>, Vec<_>) = items.into_iter().map(split).unzip();
            (plain.into(), kept.into())
        }
        value => (value.clone(), value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Moved {
        email: Change<Personal<&'static str>>,
        code: Masked<&'static str>,
        names: Vec<Personal<Option<&'static str>>>,
        count: u32,
    }

    /// AUD-02
    #[test]
    fn what_is_personal_is_masked_for_the_log_and_what_is_secret_everywhere() {
        let moved = Moved {
            email: Change::new(Personal("a@example.com"), Personal("b@example.com")),
            code: Masked("123456"),
            names: vec![Personal(Some("Ada")), Personal(None)],
            count: 2,
        };
        let (plain, kept) = split(serde_json::to_value(moved).unwrap());
        assert_eq!(
            plain,
            json!({ "email": { "old": "a@example.com", "new": "b@example.com" }, "code": MASK, "names": ["Ada", null], "count": 2 })
        );
        assert_eq!(kept, json!({ "email": { "old": MASK, "new": MASK }, "code": MASK, "names": [MASK, MASK], "count": 2 }));
        assert_eq!(format!("{:?}", Masked("123456")), MASK);
    }
}
