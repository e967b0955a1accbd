//! Lists that come in pages: a cursor, filters and an order, the same way everywhere.
//!
//! An item says in which orders it can be listed ([`Listed`]), a struct of its own says by what; [`Wanted`] reads both from the query of a
//! request, [`Wanted::fetch`] asks the database, and [`List`] is the answer. Pages are found by where the last one ended and not by counting,
//! so that nothing is skipped or shown twice while rows come and go.
//!
//! ```
//! use saas_core::{Can, DbError, List, Listed, Order, OrderBy, Problem, TenantDb, Wanted};
//!
//! saas_core::permissions! {
//!     /// See notes.
//!     pub NoteRead = "notes.note.read";
//! }
//!
//! #[derive(serde::Serialize, sqlx::FromRow, utoipa::ToSchema)]
//! struct Note {
//!     id: uuid::Uuid,
//!     title: String,
//! }
//!
//! impl Listed for Note {
//!     const ORDERS: &'static [Order] = &[Order::new("title", "lower(title)", OrderBy::Text)];
//! }
//!
//! #[derive(Default, serde::Deserialize, utoipa::ToSchema)]
//! #[serde(deny_unknown_fields)]
//! struct NoteFilter {
//!     /// Only notes with this in their title.
//!     q: Option<String>,
//! }
//!
//! async fn list(_: Can<NoteRead>, db: TenantDb, wanted: Wanted<Note, NoteFilter>) -> Result<List<Note>, Problem> {
//!     let mut tx = db.begin().await?;
//!     let mut query = wanted.query("select id, title from note where tenant_id = ");
//!     query.push_bind(tx.tenant().map(uuid::Uuid::from));
//!     if let Some(q) = &wanted.filter.q {
//!         query.push(" and strpos(title, ").push_bind(q).push(") > 0");
//!     }
//!     Ok(wanted.fetch(&mut tx, query).await?)
//! }
//! ```

mod cursor;
mod page;
mod slice;
mod wanted;

pub use page::List;
pub use slice::Slice;
pub use wanted::{Everything, Wanted};

use serde::Serialize;
use utoipa::ToSchema;

/// What can be listed in pages.
pub trait Listed: Serialize + ToSchema {
    /// The orders that it can be listed in; the first is what nobody asks for. Ties are broken by the id.
    const ORDERS: &'static [Order];
}

/// An order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub(crate) name: &'static str,
    pub(crate) by: &'static str,
    pub(crate) kind: OrderBy,
    pub(crate) descending: bool,
}

impl Order {
    /// `name` is what `sort` says; `by` is SQL over the columns of the list's query and is never null.
    #[must_use]
    pub const fn new(name: &'static str, by: &'static str, kind: OrderBy) -> Self {
        Self { name, by, kind, descending: false }
    }

    /// The same, from the end where nobody asks for a direction: the newest first.
    #[must_use]
    pub const fn descending(self) -> Self {
        Self { descending: true, ..self }
    }
}

/// What an order compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderBy {
    /// Text.
    Text,
    /// Points in time.
    Time,
    /// Whole numbers.
    Number,
    /// Network addresses.
    Address,
}

impl OrderBy {
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Time => "timestamptz",
            Self::Number => "bigint",
            Self::Address => "inet",
        }
    }
}
