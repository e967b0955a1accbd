//! All that is wrong with the fields of a body, by its published schema: serde stops at the first.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::push;
use crate::FieldError;

/// The most that is said of one body.
const MOST: usize = 100;

/// The fields that are missing, unknown or of another type. What only a type knows, such as the format of a text, is left to serde.
pub(super) fn flaws<T: ToSchema>(body: &Value) -> Vec<FieldError> {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    // A schema is data of ours, and always JSON.
    let json = |schema| serde_json::to_value(schema).unwrap_or_default();
    let parts: BTreeMap<_, _> = parts.into_iter().map(|(name, part)| (name, json(part))).collect();
    let mut search = Search { parts: &parts, found: Vec::new() };
    search.look(&json(T::schema()), body, "");
    search.found
}

struct Search<'a> {
    parts: &'a BTreeMap<String, Value>,
    found: Vec<FieldError>,
}

impl Search<'_> {
    fn look(&mut self, schema: &Value, body: &Value, pointer: &str) {
        if self.found.len() >= MOST {
            return;
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            if let Some(part) = self.parts.get(name) {
                self.look(part, body, pointer);
            }
            return;
        }
        if let Some(wanted) = other_type(&schema["type"], body) {
            return self.note(pointer.to_owned(), &format!("is not {wanted}"));
        }
        match body {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match schema["properties"].get(name) {
                        Some(property) => self.look(property, value, &below(pointer, name)),
                        None if schema["additionalProperties"] == false => {
                            self.note(below(pointer, name), "is not known");
                        }
                        None => {}
                    }
                }
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                for name in required.filter(|name| !fields.contains_key(*name)) {
                    self.note(below(pointer, name), "is missing");
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.look(&schema["items"], item, &below(pointer, &index.to_string()));
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, pointer: String, detail: &str) {
        if self.found.len() < MOST {
            self.found.push(FieldError::new(pointer, detail));
        }
    }
}

fn below(pointer: &str, token: &str) -> String {
    let mut below = pointer.to_owned();
    push(&mut below, token);
    below
}

/// The types that a schema wants, in words, where a value has none of them.
fn other_type(wanted: &Value, value: &Value) -> Option<String> {
    let wanted: Vec<_> = match wanted {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = wanted.iter().any(|name| match *name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => true,
    });
    let words = wanted.iter().map(|name| match *name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "object" => "an object",
        "array" => "a list",
        "null" => "null",
        _ => "a text",
    });
    (!fits).then(|| words.collect::<Vec<_>>().join(" or "))
}
