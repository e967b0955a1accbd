use saas_core::{
    Migrations,
    inventory::{
        Class::{self, Internal, Person, Personal, Secret},
        Erasure, Retention, Table,
    },
};
use sqlx::migrate::Migrator;

static CONTROL: Migrator = sqlx::migrate!("migrations/control");

/// The tables of this crate. Tenants, workspaces and members are core's.
pub const MIGRATIONS: Migrations =
    Migrations { name: "tenancy", control: Some(&CONTROL), data: None, lookups: &["tenancy.invitation_lookup"], inventory: INVENTORY };

const INVENTORY: &[Table] = &[
    // As long as it can be sent again, and whoever asks what became of it is answered; the address in it may be of somebody who never heard of the product.
    Table {
        name: "tenancy.invitation",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 30, when: "least(ended_at, expires_at) < $1" },
        exported: true,
        columns: INVITATION,
    },
    Table {
        name: "tenancy.export",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "gone after its archive, when that expires" },
        exported: false,
        columns: EXPORT,
    },
    Table {
        name: "tenancy.onboarding_mark",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: ONBOARDING_MARK,
    },
];

const EXPORT: &[(&str, Class)] = &[
    ("tenant_id", Internal),
    ("id", Internal),
    ("asked_by", Internal),
    ("asked_at", Internal),
    ("ready_at", Internal),
    ("expires_at", Internal),
    ("bytes", Internal),
    ("failed_at", Internal),
];

const ONBOARDING_MARK: &[(&str, Class)] = &[
    ("tenant_id", Internal),
    ("id", Internal),
    // Nobody's, where it is the organization's.
    ("user_id", Person),
    ("step", Internal),
    ("mark", Internal),
    ("marked_at", Internal),
];

const INVITATION: &[(&str, Class)] = &[
    ("tenant_id", Internal),
    ("id", Internal),
    ("email", Personal),
    ("email_key", Personal),
    ("role", Internal),
    ("token_hash", Secret),
    ("invited_by", Internal),
    ("member_since", Internal),
    ("invited_at", Internal),
    ("expires_at", Internal),
    ("ended_at", Internal),
    // Whoever accepted it: then it is about them.
    ("accepted_by", Person),
    ("mailed", Internal),
];
