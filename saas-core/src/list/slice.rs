use std::{fmt, marker::PhantomData};

use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{Listed, Order, cursor::Cursor};
use crate::DbError;

/// A part of a list: at most so many items, in an order, after some place. A request asks for one with [`Wanted`](super::Wanted); whoever
/// reads a list for itself, to its end or for a file, begins with the [first](Self::first).
///
/// ```
/// use saas_core::{DbError, Listed, Slice, TenantTx};
///
/// /// All items of a list, 500 at a time.
/// async fn all<T>(tx: &mut TenantTx, select: &'static str) -> Result<Vec<T>, DbError>
/// where
///     T: Listed + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
/// {
///     let (mut all, mut slice) = (Vec::new(), Some(Slice::first(500)));
///     while let Some(wanted) = slice {
///         let (items, next) = wanted.fetch(tx, wanted.query(select)).await?;
///         all.extend(items);
///         slice = next;
///     }
///     Ok(all)
/// }
/// ```
#[derive(Clone)]
pub struct Slice<T> {
    pub(super) limit: usize,
    pub(super) order: Order,
    pub(super) descending: bool,
    pub(super) after: Option<Cursor>,
    pub(super) item: PhantomData<fn() -> T>,
}

impl<T: Listed> Slice<T> {
    /// The order that nobody asks for.
    pub(super) const ORDER: Order = T::ORDERS[0];

    /// The first so many items, in the order that nobody asks for.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { limit, order: Self::ORDER, descending: Self::ORDER.descending, after: None, item: PhantomData }
    }

    /// Begins the list's query: `select` the columns of the item, with a column `id`, and everything up to the filters. Push the filters onto
    /// it, and give it to [`fetch`](Self::fetch).
    #[must_use]
    pub fn query(&self, select: &'static str) -> QueryBuilder<Postgres> {
        QueryBuilder::new(format!("select item.*, ({})::text as page_key from ({select}", self.order.by))
    }

    /// Asks for the items, and says where they go on; nowhere at the end.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn fetch(&self, connection: &mut PgConnection, mut query: QueryBuilder<Postgres>) -> Result<(Vec<T>, Option<Self>), DbError>
    where
        T: for<'r> FromRow<'r, PgRow>,
    {
        let (compare, direction) = if self.descending { ("<", " desc") } else { (">", "") };
        query.push(") item");
        if let Some(after) = &self.after {
            query.push(format_args!(" where ({}, id) {compare} (", self.order.by));
            query.push_bind(after.key.clone()).push(format_args!("::text::{}, ", self.order.kind.sql())).push_bind(after.id).push(")");
        }
        // The limit stands in the text: a plan for any limit looks dearer to the server than planning anew each time, which takes longer than
        // the list itself.
        query.push(format_args!(" order by {}{direction}, id{direction} limit {}", self.order.by, self.limit + 1));
        let rows = query.build().fetch_all(connection).await?;
        let shown = &rows[..rows.len().min(self.limit)];
        let items = shown.iter().map(T::from_row).collect::<Result<_, _>>()?;
        let next = match shown.last().filter(|_| rows.len() > self.limit) {
            Some(row) => Some(self.following(row.try_get("page_key")?, row.try_get("id")?)),
            None => None,
        };
        Ok((items, next))
    }

    /// The same of items that are all at hand; `key` is what the named order compares, as text.
    pub(super) fn take(&self, mut items: Vec<T>, key: impl Fn(&T, &str) -> String, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<Self>) {
        let place = |item: &T| (key(item, self.order.name), id(item));
        items.sort_by_cached_key(place);
        if self.descending {
            items.reverse();
        }
        if let Some(after) = &self.after {
            let end = (after.key.clone(), after.id);
            items.retain(|item| if self.descending { place(item) < end } else { place(item) > end });
        }
        let is_more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| is_more).map(place).map(|(key, id)| self.following(key, id));
        (items, next)
    }

    fn following(&self, key: String, id: Uuid) -> Self {
        let after = Cursor { order: self.order.name.to_owned(), descending: self.descending, key, id };
        Self { limit: self.limit, order: self.order, descending: self.descending, after: Some(after), item: PhantomData }
    }
}

impl<T> fmt::Debug for Slice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slice").field("limit", &self.limit).field("order", &self.order).finish_non_exhaustive()
    }
}
