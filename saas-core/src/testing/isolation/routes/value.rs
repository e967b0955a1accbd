//! A good value for a schema of the OpenAPI document.

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Where the schemas that have names stand, and what ids are to name.
pub(super) struct Values<'a> {
    pub(super) document: &'a Value,
    /// What a field of this name names, if it names something that there is.
    pub(super) id: &'a dyn Fn(&str) -> Option<String>,
}

/// Deeper than people nest, and not for ever.
const DEPTH: usize = 8;

impl Values<'_> {
    /// A value for a field of this name: of an object no more than what must be there.
    pub(super) fn of(&self, schema: &Value, name: &str) -> Value {
        self.at(schema, name, DEPTH)
    }

    fn at(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let found = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
            return found.map_or(Value::Null, |schema| self.at(schema, name, depth - 1));
        }
        if let Some(first) = ["const", "default"].iter().find_map(|key| schema.get(key)).filter(|value| !value.is_null()) {
            return first.clone();
        }
        if let Some(first) = ["enum", "examples"].iter().find_map(|key| schema[key].as_array()?.first()) {
            return first.clone();
        }
        for one_of in ["oneOf", "anyOf"] {
            if let Some(schemas) = schema[one_of].as_array() {
                let is_something = |schema: &&Value| schema["type"] != "null";
                return schemas.iter().find(is_something).map_or(Value::Null, |schema| self.at(schema, name, depth - 1));
            }
        }
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let mut fields: Map<String, Value> =
            parts.filter_map(|part| self.at(part, name, depth - 1).as_object().cloned()).flatten().collect();
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            fields.insert(required.to_owned(), self.at(&schema["properties"][required], required, depth - 1));
        }
        match kind(schema) {
            _ if !fields.is_empty() => Value::Object(fields),
            "string" => self.text(schema, name),
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            "boolean" => json!(false),
            "array" if schema["minItems"].as_u64().unwrap_or_default() > 0 => json!([self.at(&schema["items"], name, depth - 1)]),
            "array" => json!([]),
            "object" => json!({}),
            _ if schema.get("allOf").is_some() => json!({}),
            _ => Value::Null,
        }
    }

    /// A text that no other request sends.
    fn text(&self, schema: &Value, name: &str) -> Value {
        let salt = Uuid::new_v4().simple().to_string();
        let text = match schema["format"].as_str() {
            Some("uuid") => return (self.id)(name).unwrap_or_else(|| Uuid::now_v7().to_string()).into(),
            Some("date-time") => return "2026-03-01T00:00:00Z".into(),
            Some("date") => return "2026-03-01".into(),
            Some("email") => return format!("probe-{}@example.com", &salt[..8]).into(),
            Some("uri" | "url") => return format!("https://{}.example.com/", &salt[..8]).into(),
            _ => format!("probe-{salt}"),
        };
        let length = |key: &str| schema[key].as_u64().and_then(|length| usize::try_from(length).ok());
        let longest = length("maxLength").unwrap_or(40).min(text.len());
        let mut text = text[text.len() - longest..].to_owned();
        while text.len() < length("minLength").unwrap_or_default() {
            text.push('x');
        }
        text.into()
    }
}

/// The type, without null.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default(),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_what_its_schema_requires_and_no_more() {
        let document = json!({ "components": { "schemas": { "Kind": { "type": "string", "enum": ["a", "b"] } } } });
        let values = Values { document: &document, id: &|name| (name == "note_id").then(|| "theirs".to_owned()) };
        let schema = json!({
            "type": "object",
            "required": ["kind", "note_id", "code", "count", "tags", "more"],
            "properties": {
                "kind": { "$ref": "#/components/schemas/Kind" },
                "note_id": { "type": "string", "format": "uuid" },
                "code": { "type": "string", "minLength": 3, "maxLength": 3 },
                "count": { "type": ["integer", "null"], "minimum": 5 },
                "tags": { "type": "array", "items": { "type": "string" } },
                "more": { "oneOf": [{ "type": "null" }, { "type": "boolean" }] },
                "left_out": { "type": "string" },
            },
        });
        let value = values.of(&schema, "");
        assert_eq!(value["code"].as_str().map(str::len), Some(3));
        let code = value["code"].clone();
        assert_eq!(value, json!({ "kind": "a", "note_id": "theirs", "code": code, "count": 5, "tags": [], "more": false }));
        let circle = json!({ "components": { "schemas": { "Self": { "type": "object", "required": ["again"],
            "properties": { "again": { "$ref": "#/components/schemas/Self" } } } } } });
        let values = Values { document: &circle, id: &|_| None };
        assert!(values.of(&json!({ "$ref": "#/components/schemas/Self" }), "").is_object(), "it comes to an end");
    }
}
