use saas_core::{
    Migrations,
    inventory::{
        Class::{Content, Internal},
        Erasure, Retention, Table,
    },
};
use sqlx::migrate::Migrator;

static DATA: Migrator = sqlx::migrate!("migrations/data");

/// The tables of this product.
pub const MIGRATIONS: Migrations = Migrations { name: "leaky", control: None, data: Some(&DATA), lookups: &[], inventory: INVENTORY };

const INVENTORY: &[Table] = &[
    Table {
        name: "data.note",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[("tenant_id", Internal), ("id", Internal), ("title", Content), ("body", Content)],
    },
    Table {
        name: "data.remark",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[("tenant_id", Internal), ("id", Internal), ("note_id", Internal), ("text", Content)],
    },
];
