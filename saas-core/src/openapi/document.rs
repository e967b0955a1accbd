use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::operation::{Operation, fields};
use crate::{Access, Caller, ProblemType, routes::Entry};

/// The OpenAPI document of an application, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Document {
    json: Value,
    flaws: Vec<String>,
}

/// The paths that it is about. The rest are pages.
const API: &str = "/api/";

impl Document {
    pub(crate) fn of(title: &str, server: &str, entries: &[Entry]) -> Self {
        let mut build = Build::default();
        for entry in entries.iter().filter(|entry| entry.info.path.starts_with(API)) {
            build.add(entry);
        }
        build.finish(title, server)
    }

    /// The document itself.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Everything that it leaves open: a route that does not say what it does, takes or answers, two schemas of one name. Test that there is
    /// nothing.
    #[must_use]
    pub fn flaws(&self) -> &[String] {
        &self.flaws
    }
}

#[derive(Default)]
struct Build {
    paths: Map<String, Value>,
    schemas: BTreeMap<String, Value>,
    ids: BTreeSet<String>,
    tags: BTreeSet<String>,
    flaws: Vec<String>,
}

impl Build {
    fn add(&mut self, entry: &Entry) {
        let info = &entry.info;
        let name = format!("{} {}", info.method, info.path);
        for (schema, value) in &entry.operation.schemas {
            match self.schemas.get(schema) {
                Some(other) if other != value => {
                    self.flaws.push(format!("{name}: there are two schemas called {schema}: {value} and {other}"))
                }
                Some(_) => {}
                None => {
                    self.schemas.insert(schema.clone(), value.clone());
                }
            }
        }
        if entry.about.is_none() {
            self.flaws.push(format!("{name} does not say what it does: use `Routes::about`"));
        }
        if entry.operation.answers.is_empty() {
            self.flaws.push(format!(
                "{name} does not say what it answers: return `Json`, `Created`, `Accepted`, `NoContent` or your own `Answers`"
            ));
        }
        let id = operation_id(info.method.as_str(), &info.path);
        if !self.ids.insert(id.clone()) {
            self.flaws.push(format!("{name}: there are two operations called {id}"));
        }
        let tag = segments(&info.path).next().unwrap_or("api").to_owned();
        let operation = &entry.operation;
        let mut parameters = self.path_parameters(&name, &info.path, &operation.path);
        parameters.extend(operation.parameters.iter().cloned());
        if operation.is_repeatable() && !info.method.is_safe() {
            parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
        }
        let mut description = String::new();
        if let Some(original) = &info.alias_of {
            description.push_str(&format!("Another name of `{original}`."));
        }
        let mut described = json!({
            "operationId": id,
            "tags": [&tag],
            "summary": entry.about.unwrap_or_default(),
            "parameters": parameters,
            "responses": responses(operation, &info.access),
            "security": security(entry),
        });
        self.tags.insert(tag);
        if let Some(object) = described.as_object_mut() {
            if !info.access.permissions.is_empty() {
                object.insert("x-permissions".to_owned(), json!(info.access.permissions));
                let names: Vec<_> = info.access.permissions.iter().map(|it| format!("`{it}`")).collect();
                let gap = if description.is_empty() { "" } else { " " };
                description.push_str(&format!("{gap}Takes the permission {}.", names.join(" and ")));
            }
            if !info.access.in_part.is_empty() {
                object.insert("x-permissions-in-part".to_owned(), json!(info.access.in_part));
                let names: Vec<_> = info.access.in_part.iter().map(|it| format!("`{it}`")).collect();
                description.push_str(&format!(
                    " For what is one's own, or was shared with one, holding {} for that is enough.",
                    names.join(" and ")
                ));
            }
            if !info.access.features.is_empty() {
                object.insert("x-features".to_owned(), json!(info.access.features));
                let names: Vec<_> = info.access.features.iter().map(|it| format!("`{it}`")).collect();
                description.push_str(&format!(" The plan must have {}.", names.join(" and ")));
            }
            if let Some(original) = &info.alias_of {
                object.insert("x-alias-of".to_owned(), json!(original));
            }
            if !description.is_empty() {
                object.insert("description".to_owned(), description.into());
            }
            if let Some(body) = &operation.body {
                object.insert("requestBody".to_owned(), body.clone());
            }
        }
        let path = self.paths.entry(info.path.clone()).or_insert_with(|| json!({}));
        path[info.method.as_str().to_lowercase()] = described;
    }

    /// The schemas of what a path names, in its order; a single struct has a field for each.
    fn path_parameters(&mut self, name: &str, path: &str, schemas: &[Value]) -> Vec<Value> {
        let names: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let of: Vec<Value> = match schemas {
            [one] if names.len() > 1 => {
                let fields = fields(self.resolved(one));
                names.iter().filter_map(|name| fields.iter().find(|(field, ..)| field == name).map(|(.., schema)| schema.clone())).collect()
            }
            each => each.to_vec(),
        };
        if of.len() != names.len() {
            self.flaws
                .push(format!("{name} does not say what its path's parameters are: use one `Path`, of a struct if there are several"));
        }
        let parameter = |(name, schema): (&&str, &Value)| json!({ "in": "path", "name": name, "required": true, "schema": schema });
        names.iter().zip(&of).map(parameter).collect()
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        name.and_then(|name| self.schemas.get(name)).unwrap_or(schema)
    }

    fn finish(mut self, title: &str, server: &str) -> Document {
        self.schemas.insert("Problem".to_owned(), problem());
        let mut named = BTreeSet::new();
        self.paths.values().chain(self.schemas.values()).for_each(|value| references(value, &mut named));
        let lost = named.iter().filter(|name| !self.schemas.contains_key(**name)).map(|name| format!("there is no schema called {name}"));
        self.flaws.extend(lost.collect::<Vec<_>>());
        let tags: Vec<_> = self.tags.iter().map(|name| json!({ "name": name })).collect();
        let json = json!({
            "openapi": "3.1.0",
            "info": { "title": title, "version": "1", "description": DESCRIPTION },
            "servers": [{ "url": server.trim_end_matches('/') }],
            "tags": tags,
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "parameters": { "IdempotencyKey": idempotency_key() },
                "responses": { "Problem": problem_answer("Any other problem") },
                "securitySchemes": {
                    "session": {
                        "type": "apiKey", "in": "cookie", "name": "__Host-session",
                        "description": "What signing in sets. Writes need `Origin` or `Sec-Fetch-Site` too, as browsers send them.",
                    },
                    "token": {
                        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                        "description": "An access token of a person, for the one organization that it was made for.",
                    },
                    "key": { "type": "http", "scheme": "bearer", "description": "An API key, whose scopes are permissions; or, on the routes of agents, an agent's key or credential. Never in an address." },
                },
            },
        });
        Document { json, flaws: self.flaws }
    }
}

/// The names of the schemas that are referred to.
fn references<'a>(value: &'a Value, names: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            names.extend(object.get("$ref").and_then(|it| it.as_str()?.strip_prefix("#/components/schemas/")));
            object.values().for_each(|value| references(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, names)),
        _ => {}
    }
}

const DESCRIPTION: &str = "Every refusal is a problem document (RFC 9457) whose `type` has a page. \
Lists come in pages: pass `next` as `after`, or follow the `Link` header (RFC 8288). \
Where a person belongs to several organizations, `X-Organization` names one by its id or short name.";

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && !matches!(*part, "api" | "v1"))
}

/// `get_agents_by_id`, and for an alias the whole path, because two paths may end alike.
fn operation_id(method: &str, path: &str) -> String {
    let start = if path.starts_with("/api/v1/") { "" } else { "_api" };
    let parts = segments(path).map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => format!("_by_{name}"),
        None => format!("_{}", part.replace(['-', '.'], "_")),
    });
    format!("{}{start}{}", method.to_lowercase(), parts.collect::<String>())
}

fn security(entry: &Entry) -> Value {
    match entry.info.access.caller {
        Caller::Public | Caller::Provider => json!([]),
        Caller::SignedIn | Caller::Operator => json!([{ "session": [] }]),
        Caller::Member if entry.is_for_keys => json!([{ "session": [] }, { "token": [] }, { "key": [] }]),
        Caller::Member => json!([{ "session": [] }, { "token": [] }]),
        Caller::Agent => json!([{ "key": [] }]),
    }
}

fn responses(operation: &Operation, access: &Access) -> Value {
    let mut slugs = operation.problems.clone();
    let refusals: &[ProblemType] = match access.caller {
        Caller::Public => &[],
        Caller::Provider => &[ProblemType::UNAUTHENTICATED],
        Caller::SignedIn | Caller::Member | Caller::Agent => &[ProblemType::UNAUTHENTICATED, ProblemType::FORBIDDEN],
        Caller::Operator => &[ProblemType::SECOND_FACTOR_REQUIRED, ProblemType::FORBIDDEN, ProblemType::NOT_FOUND],
    };
    slugs.extend(refusals.iter().map(|refusal| refusal.slug));
    if !access.features.is_empty() {
        slugs.insert(ProblemType::FEATURE_NOT_IN_PLAN.slug);
    }
    let mut titles: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for kind in ProblemType::ALL.iter().filter(|kind| slugs.contains(kind.slug)) {
        titles.entry(kind.status.as_u16()).or_default().push(kind.title);
    }
    let mut responses = Map::new();
    for (status, answer) in &operation.answers {
        responses.insert(status.to_string(), answer.clone());
    }
    for (status, titles) in titles {
        responses.insert(status.to_string(), problem_answer(&titles.join("; ")));
    }
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    Value::Object(responses)
}

fn problem_answer(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn idempotency_key() -> Value {
    json!({
        "in": "header", "name": "Idempotency-Key", "required": false,
        "description": "1 to 255 visible characters of your choice. A write that is sent again with the same key within 24 hours is answered \
            as it was the first time and not done again.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$" },
    })
}

fn problem() -> Value {
    let kinds: Vec<_> = ProblemType::ALL.iter().map(|kind| format!("/problems/{}", kind.slug)).collect();
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "enum": kinds, "description": "The kind of problem; it is the address of a page about it." },
            "title": { "type": "string", "description": "One short sentence, the same for each problem of a kind." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "More about this occurrence." },
            "errors": {
                "type": "array",
                "description": "What is wrong with each field.",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": { "type": "string", "description": "A JSON pointer (RFC 6901) to the field." },
                        "detail": { "type": "string" },
                    },
                },
            },
        },
    })
}
