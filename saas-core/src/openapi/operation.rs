use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::ProblemType;

/// What the OpenAPI document says of one handler, gathered from its types.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    pub(super) path: Vec<Value>,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) answers: BTreeMap<u16, Value>,
    pub(super) problems: BTreeSet<&'static str>,
    pub(super) schemas: Vec<(String, Value)>,
    pub(super) may_be_repeated: bool,
}

impl Operation {
    /// A schema as it is referred to: by its name if it has one.
    pub fn schema<T: ToSchema>(&mut self) -> Value {
        let mut found = Vec::new();
        T::schemas(&mut found);
        self.schemas.extend(found.into_iter().map(|(name, schema)| (name, value(&schema))));
        let schema = value(&T::schema());
        if is_named(&schema, &T::name()) {
            self.schemas.push((T::name().into_owned(), schema));
            json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
        } else {
            schema
        }
    }

    /// The parameters of the path, in its order: the fields or members of `T`, or `T` itself.
    pub fn path<T: ToSchema>(&mut self) {
        let schema = self.schema::<T>();
        self.path.push(schema);
        self.problem(&ProblemType::NOT_FOUND);
    }

    /// Parameters of the query: the fields of `T`.
    pub fn query<T: ToSchema>(&mut self) {
        let mut found = Vec::new();
        T::schemas(&mut found);
        self.schemas.extend(found.into_iter().map(|(name, schema)| (name, value(&schema))));
        for (name, required, schema) in fields(&value(&T::schema())) {
            self.parameter("query", &name, required, schema);
        }
        self.problem(&ProblemType::INVALID);
    }

    /// One parameter: `place` is `query` or `header`, `schema` may say what it means in its `description`.
    pub fn parameter(&mut self, place: &str, name: &str, required: bool, mut schema: Value) {
        // A parameter that is left out is not the same as null.
        if let Some(one) = without_null(&schema) {
            schema = one;
        }
        if let Some(object) = schema.as_object_mut() {
            object.retain(|key, value| key != "default" || !value.is_null());
        }
        let description = schema.as_object_mut().filter(|it| !it.contains_key("$ref")).and_then(|it| it.remove("description"));
        let mut parameter = json!({ "in": place, "name": name, "required": required, "schema": schema });
        if let (Some(description), Some(parameter)) = (description, parameter.as_object_mut()) {
            parameter.insert("description".to_owned(), description);
        }
        self.parameters.push(parameter);
    }

    /// The body that it takes.
    pub fn body<T: ToSchema>(&mut self, media_type: &str) {
        let schema = self.schema::<T>();
        self.body_of(media_type, schema);
    }

    /// The body that it takes, by a schema that no type has.
    pub fn body_of(&mut self, media_type: &str, schema: Value) {
        self.body = Some(json!({ "required": true, "content": { media_type: { "schema": schema } } }));
        for kind in [&ProblemType::BAD_REQUEST, &ProblemType::UNSUPPORTED_MEDIA_TYPE, &ProblemType::TOO_LARGE, &ProblemType::INVALID] {
            self.problem(kind);
        }
    }

    /// What it answers when all is well.
    pub fn answer<T: ToSchema>(&mut self, status: StatusCode, media_type: &str) {
        let schema = self.schema::<T>();
        self.answer_of(status, Some((media_type, schema)));
    }

    /// What it answers when all is well, by a schema that no type has; none for an answer without a body.
    pub fn answer_of(&mut self, status: StatusCode, content: Option<(&str, Value)>) {
        let mut answer = json!({ "description": status.canonical_reason().unwrap_or_default() });
        if let Some((media_type, schema)) = content {
            answer["content"] = json!({ media_type: { "schema": schema } });
        }
        self.answers.insert(status.as_u16(), answer);
    }

    /// A problem that it may answer. Any other is possible too; this is one to expect.
    pub fn problem(&mut self, kind: &'static ProblemType) {
        self.problems.insert(kind.slug);
    }

    /// It may be sent with an `Idempotency-Key`.
    pub fn may_be_repeated(&mut self) {
        self.may_be_repeated = true;
    }

    /// Whether a write may be sent with an `Idempotency-Key`. A body of another kind is read while work goes on.
    pub(crate) fn is_repeatable(&self) -> bool {
        let is_json = |body: &Value| body["content"].as_object().is_some_and(|content| content.keys().all(|it| it == "application/json"));
        self.may_be_repeated && self.body.as_ref().is_none_or(is_json)
    }
}

fn value(schema: &RefOr<Schema>) -> Value {
    // A schema is plain data, whose keys are text.
    serde_json::to_value(schema).unwrap_or_default()
}

/// Types of Rust's own have a name that says nothing: an `Option` of something, a `Vec`.
fn is_named(schema: &Value, name: &str) -> bool {
    const WRAPPERS: [&str; 5] = ["Option", "Box", "Arc", "Cow", "BTreeMap"];
    let has = |key: &str| schema.get(key).is_some();
    !WRAPPERS.contains(&name) && (has("properties") || has("enum") || has("oneOf") || has("allOf") || has("anyOf"))
}

/// The fields of an object, those of its parts too: name, whether it is required, schema.
pub(super) fn fields(schema: &Value) -> Vec<(String, bool, Value)> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let none = Map::new();
    let own = schema["properties"].as_object().unwrap_or(&none).iter();
    let mut fields: Vec<_> = own.map(|(name, schema)| (name.clone(), required.contains(&name.as_str()), schema.clone())).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fields.extend(self::fields(part));
    }
    fields
}

/// The schema without its null, with its description.
fn without_null(schema: &Value) -> Option<Value> {
    let object = schema.as_object()?;
    if let Some(types) = object.get("type").and_then(Value::as_array) {
        let left: Vec<_> = types.iter().filter(|it| *it != "null").collect();
        let mut schema = object.clone();
        schema.insert("type".to_owned(), if let [one] = left.as_slice() { (*one).clone() } else { json!(left) });
        return Some(Value::Object(schema));
    }
    let parts = object.get("oneOf")?.as_array()?;
    let mut left = parts.iter().filter(|it| it["type"] != "null");
    let (one, more) = (left.next()?, left.next());
    if more.is_some() || parts.len() == 1 {
        return None;
    }
    let mut one = one.clone();
    if let (Some(description), Some(one)) = (object.get("description"), one.as_object_mut()) {
        one.entry("description").or_insert_with(|| description.clone());
    }
    Some(one)
}
