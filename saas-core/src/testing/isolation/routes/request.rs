use std::fmt;

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    RouteInfo,
    testing::{Answer, TestClient},
};

/// What is sent to a route.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path, with what it names, and a query if there is one.
    pub path: String,
    /// The body.
    pub body: Body,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// None, and a stream is asked for.
    Stream,
    /// A form as browsers send it.
    Form(Vec<(&'static str, String)>),
    /// JSON.
    Json(Value),
    /// A form with a text file in it.
    Upload,
}

impl Request {
    /// A request.
    #[must_use]
    pub const fn new(path: String, body: Body) -> Self {
        Self { path, body }
    }

    /// Sends it. Whatever is not under `/api/` is asked for as a browser does.
    pub async fn send(&self, client: &TestClient, route: &RouteInfo) -> Answer {
        let (method, path) = (route.method.clone(), self.path.as_str());
        let accept = if route.path.starts_with("/api/") { "application/json" } else { "text/html" };
        match &self.body {
            Body::Empty => client.call(method, path, accept, None, Bytes::new()).await,
            Body::Stream => {
                let (parts, _) = client.open(path).await.into_parts();
                Answer { status: parts.status, headers: parts.headers, body: Bytes::new() }
            }
            Body::Form(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                client.form(path, &fields).await
            }
            Body::Json(body) => client.json(method, path, body).await,
            Body::Upload => client.upload(method, path, "plan.txt").await,
        }
    }

    /// The same on what never was, with each text that was exchanged and what stands in its place. None if it names nothing.
    pub(super) fn on_nothing(&self, route: &RouteInfo) -> Option<(Self, Vec<(String, String)>)> {
        let mut exchanged = Vec::new();
        let mut other = |text: &str| {
            let new = unlike(text);
            exchanged.push((text.to_owned(), new.clone()));
            new
        };
        let (path, query) = self.path.split_once('?').map_or((self.path.as_str(), None), |(path, query)| (path, Some(query)));
        let parts: Vec<_> = path.split('/').collect();
        let named: Vec<_> = route.path.split('/').map(|part| part.starts_with('{')).collect();
        // A size or a kind beside an id names no row.
        let has_id = parts.iter().zip(&named).any(|(part, named)| *named && is_id(part));
        let mut path = parts
            .iter()
            .enumerate()
            .map(|(at, part)| {
                let is_name = named.get(at) == Some(&true) && (is_id(part) || !has_id);
                if is_name { other(part) } else { (*part).to_owned() }
            })
            .collect::<Vec<_>>()
            .join("/");
        if let Some(query) = query {
            path = format!("{path}?{query}");
        }
        let body = match &self.body {
            Body::Json(body) => Body::Json(each_id(body, &mut other)),
            Body::Form(fields) => {
                Body::Form(fields.iter().map(|(name, value)| (*name, if is_id(value) { other(value) } else { value.clone() })).collect())
            }
            body => body.clone(),
        };
        (!exchanged.is_empty()).then_some((Self { path, body }, exchanged))
    }

    /// The same with one more field that names somebody's tenant, for each of these; with all of them in the query, where there is no body
    /// that takes fields.
    pub(super) fn naming(&self, fields: &[&'static str], tenant: &str) -> Vec<Self> {
        let with = |body| Self { path: self.path.clone(), body };
        match &self.body {
            Body::Json(Value::Object(sent)) => {
                let one = |field: &&str| {
                    let mut sent = sent.clone();
                    sent.insert((*field).to_owned(), tenant.into());
                    with(Body::Json(Value::Object(sent)))
                };
                fields.iter().map(one).collect()
            }
            Body::Form(sent) => {
                let one = |field: &&'static str| {
                    let others = sent.iter().filter(|(name, _)| name != field).cloned();
                    with(Body::Form(others.chain([(*field, tenant.to_owned())]).collect()))
                };
                fields.iter().map(one).collect()
            }
            body => {
                let mark = if self.path.contains('?') { '&' } else { '?' };
                let query = fields.iter().map(|field| format!("{field}={tenant}")).collect::<Vec<_>>().join("&");
                vec![Self { path: format!("{}{mark}{query}", self.path), body: body.clone() }]
            }
        }
    }

    /// The same, broken in ways that a database or a parser might speak about.
    pub(super) fn broken(&self, route: &RouteInfo) -> Vec<Self> {
        let mut broken = Vec::new();
        if route.path.contains('{') {
            let at = |text: &str| {
                let parts = route.path.split('/').map(|part| if part.starts_with('{') { text } else { part });
                Self { path: parts.collect::<Vec<_>>().join("/"), body: self.body.clone() }
            };
            broken.extend(["%27", "%00", "not-an-id"].map(at));
        }
        if let Body::Json(Value::Object(fields)) = &self.body {
            let with = |value: Value| {
                let fields = fields.keys().map(|name| (name.clone(), value.clone())).collect();
                Self { path: self.path.clone(), body: Body::Json(Value::Object(fields)) }
            };
            broken.extend([Value::Null, Value::from("'\u{0}"), Value::from(-1), Value::from("x".repeat(10_000))].map(with));
        }
        broken
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::Json(body) => write!(f, "{} with {body}", self.path),
            Body::Form(fields) => write!(f, "{} with {fields:?}", self.path),
            Body::Empty | Body::Stream | Body::Upload => f.write_str(&self.path),
        }
    }
}

/// Whether it names a row, and not nothing.
fn is_id(text: &str) -> bool {
    text.parse::<Uuid>().is_ok_and(|id| !id.is_nil())
}

/// A text of the same shape that names nothing.
pub(super) fn unlike(text: &str) -> String {
    if is_id(text) {
        return Uuid::now_v7().to_string();
    }
    let next = |letter: char| match letter {
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from_u32(letter as u32 + 1).unwrap_or(letter),
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        _ => letter,
    };
    text.chars().map(next).collect()
}

fn each_id(value: &Value, other: &mut impl FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) if is_id(text) => Value::String(other(text)),
        Value::Array(values) => values.iter().map(|value| each_id(value, other)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), each_id(value, other))).collect(),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::Access;

    #[test]
    fn a_request_on_nothing_differs_in_all_that_names_something_and_in_nothing_else() {
        let route = RouteInfo { method: Method::POST, path: "/a/{id}/b/{kind}".to_owned(), access: Access::member(), alias_of: None };
        let (id, other) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
        let body = json!({ "note": other, "text": "z9-", "none": Uuid::nil() });
        let request = Request::new(format!("/a/{id}/b/64?x=1"), Body::Json(body));
        let (nothing, exchanged) = request.on_nothing(&route).unwrap();
        assert_eq!(exchanged.iter().map(|(old, _)| old.as_str()).collect::<Vec<_>>(), [&id, &other]);
        assert_eq!(nothing.path, format!("/a/{}/b/64?x=1", exchanged[0].1));
        let Body::Json(body) = &nothing.body else { panic!("{nothing}") };
        assert_eq!(body, &json!({ "note": exchanged[1].1, "text": "z9-", "none": Uuid::nil() }));
        let invoice = RouteInfo { path: "/a/{id}".to_owned(), ..route.clone() };
        assert_eq!(Request::new("/a/in_Z9".to_owned(), Body::Empty).on_nothing(&invoice).unwrap().0.path, "/a/jo_A0");
        let plain = RouteInfo { path: "/a".to_owned(), ..route };
        assert!(Request::new("/a".to_owned(), Body::Empty).on_nothing(&plain).is_none());
    }
}
