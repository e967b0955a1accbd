use std::{marker::PhantomData, sync::Arc};

use axum::extract::{FromRequestParts, OriginalUri};
use http::{HeaderValue, request::Parts};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, postgres::PgRow};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{List, Listed, Slice, cursor::Signer};
use crate::{DbError, Declares, FieldError, Operation, Problem, ProblemType, Standing, Web, extract::invalid};

const DEFAULT: usize = 50;
const MOST: usize = 200;

/// What a request wants of a list: which items (`filter`), how many, in which order, after which.
///
/// `limit` is 1 to 200, 50 if it is not said; `sort` names one of the item's orders, with `-` before it the other way round; `after` is
/// the `next` of the page before. Everything else is a field of `F`, which refuses what it does not know. 422 with a pointer for whatever
/// is wrong.
#[derive(Clone)]
pub struct Wanted<T, F = Everything> {
    /// Which items.
    pub filter: F,
    slice: Slice<T>,
    signer: Signer,
    uri: http::Uri,
}

/// The filter of a list that has none.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Everything {}

impl<T: Listed, F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Wanted<T, F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let web = parts.extensions.get::<Arc<Web>>().ok_or_else(|| Problem::missing_layer("finish"))?;
        let uri = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |uri| uri.0.clone());
        // Of the address only the path: the same list is filtered in many ways.
        let tenant = parts.extensions.get::<Standing>().map(|standing| standing.tenant.to_string()).unwrap_or_default();
        let signer = Signer::new(&web.keys, format!("{} {tenant}", uri.path()));

        let query = uri.query().unwrap_or_default().to_owned();
        let (own, rest): (Vec<_>, Vec<_>) =
            form_urlencoded::parse(query.as_bytes()).partition(|(name, _)| matches!(&**name, "after" | "limit" | "sort"));
        let said = |wanted: &str| own.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| &**value);
        let mut errors = Vec::new();
        let limit = match said("limit").map(str::parse) {
            None => DEFAULT,
            Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
            Some(_) => {
                errors.push(FieldError::new("/limit", format!("must be a number from 1 to {MOST}")));
                DEFAULT
            }
        };
        let after = said("after").map(|text| signer.read(text));
        if matches!(after, Some(None)) {
            errors.push(FieldError::new("/after", "must be the `next` of a page of this list"));
        }
        let after = after.flatten();
        let sort = said("sort").map(ToOwned::to_owned).or_else(|| after.as_ref().map(|it| sort(&it.order, it.descending)));
        let (name, descending) = match sort.as_deref() {
            Some(sort) => sort.strip_prefix('-').map_or((sort, false), |name| (name, true)),
            None => (Slice::<T>::ORDER.name, Slice::<T>::ORDER.descending),
        };
        let order = T::ORDERS.iter().find(|order| order.name == name).copied();
        if order.is_none() {
            let names: Vec<_> = T::ORDERS.iter().map(|order| order.name).collect();
            errors.push(FieldError::new("/sort", format!("must be one of {}, with - before it for the other way round", names.join(", "))));
        }
        if after.as_ref().is_some_and(|after| order.is_some() && (after.order != name || after.descending != descending)) {
            errors.push(FieldError::new("/after", "is of another order"));
        }
        let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish();
        let filter = serde_path_to_error::deserialize(serde_html_form::Deserializer::from_bytes(rest.as_bytes()))
            .map_err(|error| invalid(error.path(), error.inner()));
        match (filter, order) {
            (Ok(filter), Some(order)) if errors.is_empty() => {
                Ok(Self { filter, slice: Slice { limit, order, descending, after, item: PhantomData }, signer, uri })
            }
            (filter, _) => Err(Problem::invalid(errors.into_iter().chain(filter.err().into_iter().flat_map(|it| it.errors().to_vec())))),
        }
    }
}

fn sort(name: &str, descending: bool) -> String {
    format!("{}{name}", if descending { "-" } else { "" })
}

impl<T: Listed, F: ToSchema> Declares for Wanted<T, F> {
    fn describe(operation: &mut Operation) {
        operation.query::<F>();
        let usual = Slice::<T>::ORDER;
        let sorts: Vec<_> = T::ORDERS.iter().flat_map(|order| [sort(order.name, false), sort(order.name, true)]).collect();
        let limit =
            json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT, "description": "How many items a page has." });
        operation.parameter("query", "limit", false, limit);
        let order = json!({ "type": "string", "enum": sorts, "default": sort(usual.name, usual.descending), "description": "The order; with `-` before it the other way round." });
        operation.parameter("query", "sort", false, order);
        let after = json!({ "type": "string", "description": "The `next` of the page before." });
        operation.parameter("query", "after", false, after);
        operation.problem(&ProblemType::INVALID);
    }
}

impl<T: Listed, F> Wanted<T, F> {
    /// Begins the list's query: as [`Slice::query`], and for [`fetch`](Self::fetch).
    #[must_use]
    pub fn query(&self, select: &'static str) -> QueryBuilder<Postgres> {
        self.slice.query(select)
    }

    /// Asks for the page.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn fetch(self, connection: &mut PgConnection, query: QueryBuilder<Postgres>) -> Result<List<T>, DbError>
    where
        T: for<'r> FromRow<'r, PgRow>,
    {
        let (items, next) = self.slice.fetch(connection, query).await?;
        Ok(self.page(items, next))
    }

    /// A page of items that are all at hand; `key` is what the named order compares, as text.
    #[must_use]
    pub fn take(self, items: Vec<T>, key: impl Fn(&T, &str) -> String, id: impl Fn(&T) -> Uuid) -> List<T> {
        let (items, next) = self.slice.take(items, key, id);
        self.page(items, next)
    }

    /// Whether it is the first page.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.slice.after.is_none()
    }

    fn page(self, items: Vec<T>, next: Option<Slice<T>>) -> List<T> {
        let next = next.and_then(|next| next.after).map(|after| self.signer.text(&after));
        let link = next.as_ref().and_then(|next| self.link(next));
        List { items, next, link }
    }

    /// This request again, for the page after.
    fn link(&self, next: &str) -> Option<HeaderValue> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let pairs = self.uri.query().unwrap_or_default();
        query.extend_pairs(form_urlencoded::parse(pairs.as_bytes()).filter(|(name, _)| name != "after"));
        query.append_pair("after", next);
        HeaderValue::try_from(format!("<{}?{}>; rel=\"next\"", self.uri.path(), query.finish())).ok()
    }
}

impl<T, F: std::fmt::Debug> std::fmt::Debug for Wanted<T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted").field("filter", &self.filter).field("slice", &self.slice).finish_non_exhaustive()
    }
}
