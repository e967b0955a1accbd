use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, schema::ArrayBuilder, schema::SchemaType, schema::Type},
};

use crate::{Answers, Json, Operation};

/// A page of a list. The next one is in its `Link` header too (RFC 8288).
#[derive(Debug, Clone, Serialize)]
pub struct List<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// What `after` says to get the next page; null at the end.
    pub next: Option<String>,
    #[serde(skip)]
    pub(super) link: Option<HeaderValue>,
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(mut self) -> Response {
        let link = self.link.take();
        let mut response = Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

impl<T: ToSchema> Answers for List<T> {
    fn describe(operation: &mut Operation) {
        operation.answer::<Self>(StatusCode::OK, "application/json");
    }
}

impl<T: ToSchema> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("What `after` says to get the next page; null at the end."))
            .examples([json!(null)]);
        ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .required("items")
            .property("next", next)
            .required("next")
            .into()
    }
}

impl<T: ToSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
