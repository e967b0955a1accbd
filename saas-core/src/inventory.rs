//! What the database holds, column by column, and what becomes of it (CMP-06).
//!
//! Each crate lists its tables in its [`Migrations`](crate::Migrations). A table or column that no list names is a finding of the doctor, and
//! fails the catalogue test.

use serde::Serialize;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Ids, states, times, counts.
    Internal,
    /// What the tenant's people typed or their machines reported.
    Content,
    /// Says something about a person.
    Personal,
    /// Lets its holder in. Stored hashed or sealed.
    Secret,
}

/// What becomes of a table's rows when their tenant or person is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "action", content = "reason")]
pub enum Erasure {
    /// Deleted.
    Purge,
    /// Kept with personal columns emptied.
    Anonymise,
    /// Kept until the law no longer asks for it; the reason names the law.
    Retain(&'static str),
}

/// One table.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Table {
    /// `schema.table`.
    pub name: &'static str,
    /// What becomes of its rows.
    pub erasure: Erasure,
    /// Whether an export of the tenant's or person's data contains it.
    pub exported: bool,
    /// Every column and what it holds.
    pub columns: &'static [(&'static str, Class)],
}

use Class::{Content, Internal, Personal};

pub(crate) const CORE: &[Table] = &[
    Table {
        name: "core.tenant",
        erasure: Erasure::Purge,
        exported: true,
        columns: &[("id", Internal), ("slug", Content), ("name", Content), ("state", Internal), ("created_at", Internal)],
    },
    Table {
        name: "core.user",
        erasure: Erasure::Anonymise,
        exported: true,
        columns: &[("id", Internal), ("state", Internal), ("created_at", Internal)],
    },
    Table {
        name: "core.member",
        erasure: Erasure::Anonymise,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("user_id", Internal),
            ("role", Internal),
            ("name", Personal),
            ("email", Personal),
            ("joined_at", Internal),
            ("left_at", Internal),
        ],
    },
    Table {
        name: "data.outbox",
        erasure: Erasure::Purge,
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("name", Internal),
            ("version", Internal),
            ("actor_kind", Internal),
            ("actor_id", Internal),
            ("subject", Internal),
            ("data", Content),
            ("at", Internal),
        ],
    },
];
