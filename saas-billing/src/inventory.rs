use saas_core::inventory::{
    Class::{Content, Internal},
    Erasure, Table,
};

/// Tax and commercial law ask for it: § 147 AO and § 257 HGB for eight years.
const BOOKS: Erasure = Erasure::Retain("invoices and what they rest on are kept for eight years (§ 147 AO, § 257 HGB)");

pub(crate) const INVENTORY: &[Table] = &[
    Table {
        name: "billing.tenant_plan",
        erasure: Erasure::Purge,
        exported: true,
        columns: &[("tenant_id", Internal), ("plan", Content), ("since", Internal), ("until", Internal), ("reason", Content)],
    },
    Table {
        name: "billing.customer",
        erasure: BOOKS,
        exported: true,
        columns: &[("tenant_id", Internal), ("id", Internal), ("created_at", Internal), ("deleted_at", Internal)],
    },
    Table {
        name: "billing.subscription",
        erasure: BOOKS,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("plan", Content),
            ("period", Internal),
            ("currency", Internal),
            ("quantity", Internal),
            ("state", Internal),
            ("created_at", Internal),
            ("period_start", Internal),
            ("period_end", Internal),
            ("trial_end", Internal),
            ("cancel_at", Internal),
            ("ended_at", Internal),
            ("past_due_since", Internal),
            ("failed_attempts", Internal),
            ("read_at", Internal),
        ],
    },
    Table {
        name: "billing.invoice",
        erasure: BOOKS,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("subscription_id", Internal),
            ("number", Content),
            ("state", Internal),
            ("currency", Internal),
            ("total", Content),
            ("paid", Content),
            ("due", Content),
            ("attempts", Internal),
            ("page_url", Content),
            ("pdf_url", Content),
            ("created_at", Internal),
            ("paid_at", Internal),
            ("read_at", Internal),
        ],
    },
    Table {
        name: "billing.override",
        erasure: Erasure::Purge,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("name", Internal),
            ("value", Content),
            ("reason", Content),
            ("until", Internal),
            ("since", Internal),
        ],
    },
    Table {
        name: "data.quota",
        erasure: Erasure::Purge,
        exported: true,
        columns: &[("tenant_id", Internal), ("meter", Internal), ("used", Internal), ("since", Internal)],
    },
];
