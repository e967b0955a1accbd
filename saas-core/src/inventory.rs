//! What the database holds, column by column, and what becomes of it (CMP-06).
//!
//! Each crate lists its tables in its [`Migrations`](crate::Migrations). A table or column that no list names is a finding of the doctor, and
//! fails the catalogue test.

use serde::Serialize;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Whose row it is: the id of a person. What becomes of the row when they are erased is the table's [`Erasure`].
    Person,
    /// The same, of a row that is theirs alone, though a tenant may stand in it: what they were told, what acts for them. The tenant is not given it.
    Own,
    /// Ids, states, times, counts.
    Internal,
    /// What the tenant's people typed or their machines reported.
    Content,
    /// Says something about a person.
    Personal,
    /// Names somebody else than the row's person, who is not given it.
    Other,
    /// Lets its holder in. Stored hashed or sealed.
    Secret,
}

/// What becomes of a table's rows when their person is erased. When their tenant is, all go but those that the law keeps.
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

/// How long a table's rows are kept while whom they belong to is there (CMP-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kept")]
pub enum Retention {
    /// Until somebody removes them, or whom or what they belong to.
    Lasting,
    /// Until so many days after they were over, or written: [`sweep`](crate::sweep()) deletes them each night.
    Days {
        /// How many.
        days: u16,
        /// A condition of SQL over the table's columns that holds for a row which has been kept long enough; `$1` is the moment so many days ago.
        /// What is null is kept.
        when: &'static str,
    },
    /// As a rule says that is no condition over a row, in words: something else deletes them.
    Rule {
        /// The rule.
        rule: &'static str,
    },
}

/// One table.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Table {
    /// `schema.table`.
    pub name: &'static str,
    /// What becomes of its rows.
    pub erasure: Erasure,
    /// How long they are kept before that.
    pub retention: Retention,
    /// Whether exports contain it: a person's, if its rows are people's, and the tenant's, if they are tenants' and not people's alone.
    pub exported: bool,
    /// Every column and what it holds.
    pub columns: &'static [(&'static str, Class)],
}

impl Table {
    /// The column that says whose row it is, if rows are people's.
    #[must_use]
    pub fn person(&self) -> Option<&'static str> {
        self.columns.iter().find(|(_, held)| matches!(held, Class::Person | Class::Own)).map(|(column, _)| *column)
    }

    /// Whether a tenant is given its rows: they are exported, they are tenants', and they are not people's alone.
    #[must_use]
    pub fn is_given_to_tenant(&self) -> bool {
        self.exported && self.is_tenants()
    }

    /// Whether its rows are a tenant's, and not people's alone.
    pub(crate) fn is_tenants(&self) -> bool {
        self.tenant().is_some() && self.of(Class::Own).next().is_none()
    }

    /// The columns that hold this.
    pub fn of(&self, class: Class) -> impl Iterator<Item = &'static str> {
        self.columns.iter().filter(move |(_, held)| *held == class).map(|(column, _)| *column)
    }
}

use Class::{Content, Internal, Own, Person, Personal, Secret};

pub(crate) const CORE: &[Table] = &[
    Table {
        // Of one that was purged, the id alone.
        name: "core.tenant",
        erasure: Erasure::Anonymise,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("id", Internal),
            ("slug", Content),
            ("name", Content),
            ("state", Internal),
            ("created_at", Internal),
            ("second_factor_required", Internal),
            ("leaves_at", Internal),
            ("purged_at", Internal),
            ("revision", Internal),
            ("flags", Internal),
            ("platform_flags", Internal),
        ],
    },
    Table {
        // They are nobody's, and go when the master key does that they are derived from.
        name: "core.seal_key",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "gone when the master key is that they are derived from" },
        exported: false,
        columns: &[("name", Internal), ("inner_block", Secret), ("outer_block", Secret)],
    },
    Table {
        name: "core.user",
        erasure: Erasure::Anonymise,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("id", Person),
            ("state", Internal),
            ("created_at", Internal),
            ("locale", Personal),
            ("time_zone", Personal),
            ("theme", Personal),
        ],
    },
    Table {
        name: "core.member",
        erasure: Erasure::Anonymise,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("user_id", Person),
            ("role", Internal),
            ("name", Personal),
            ("email", Personal),
            ("joined_at", Internal),
            ("left_at", Internal),
        ],
    },
    Table {
        name: "core.role",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[("tenant_id", Internal), ("id", Internal), ("name", Content), ("permissions", Internal), ("created_at", Internal)],
    },
    Table {
        name: "core.share",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("kind", Internal),
            ("resource_id", Internal),
            ("user_id", Person),
            ("level", Internal),
            ("shared_by", Internal),
            ("shared_at", Internal),
        ],
    },
    Table {
        name: "core.push_browser",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("id", Internal),
            ("user_id", Person),
            ("session_id", Internal),
            ("endpoint_hash", Secret),
            ("sealed", Secret),
            ("server_key", Internal),
            ("user_agent", Personal),
            ("created_at", Internal),
            ("rests_until", Internal),
            ("stopped_at", Internal),
        ],
    },
    Table {
        name: "core.workspace",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[("tenant_id", Internal), ("id", Internal), ("name", Content), ("created_at", Internal)],
    },
    Table {
        name: "data.kept_answer",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 1, when: "at < $1" },
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("caller_kind", Internal),
            ("caller_id", Internal),
            ("key", Internal),
            ("request", Internal),
            ("answer", Secret),
            ("at", Internal),
        ],
    },
    Table {
        name: "core.brand",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[("tenant_id", Internal), ("name", Content), ("logo_url", Content), ("color", Content), ("locale", Internal)],
    },
    Table {
        name: "core.mail",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 90, when: "ended_at < $1" },
        exported: false,
        columns: &[
            ("id", Internal),
            ("tenant_id", Internal),
            ("template", Internal),
            ("about", Internal),
            ("cause", Internal),
            ("message_id", Internal),
            ("to_hash", Personal),
            ("sealed", Personal),
            ("state", Internal),
            ("attempts", Internal),
            // A mail server may repeat the address.
            ("answer", Personal),
            ("queued_at", Internal),
            ("tried_at", Internal),
            ("ended_at", Internal),
        ],
    },
    Table {
        name: "core.mail_suppression",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: false,
        columns: &[("address_hash", Personal), ("reason", Internal), ("answer", Personal), ("since", Internal)],
    },
    Table {
        name: "data.outbox",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "gone when it was relayed or given up for as long as the relay is told" },
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("name", Internal),
            ("version", Internal),
            ("actor_kind", Internal),
            ("actor_id", Person),
            ("subject", Internal),
            ("data", Content),
            ("at", Internal),
            ("severity", Internal),
            ("on_behalf_of", Internal),
            ("taken", Internal),
            ("attempts", Internal),
            ("next_at", Internal),
            ("error", Internal),
            ("relayed_at", Internal),
            ("dead_at", Internal),
            ("refused", Internal),
        ],
    },
    Table {
        name: "data.audit_entry",
        erasure: Erasure::Anonymise,
        retention: Retention::Rule { rule: "as long as the tenant's plan says, and the program's own for a year" },
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("at", Internal),
            ("action", Internal),
            ("version", Internal),
            ("severity", Internal),
            ("actor_kind", Internal),
            ("actor_id", Person),
            ("on_behalf_of", Internal),
            ("resource", Internal),
            ("data", Content),
            ("request_id", Internal),
            ("address", Personal),
            ("user_agent", Personal),
            ("number", Internal),
            ("salt", Personal),
            ("origin_digest", Internal),
            ("mac", Internal),
        ],
    },
    Table {
        name: "data.audit_head",
        erasure: Erasure::Anonymise,
        retention: Retention::Lasting,
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("sealed", Internal),
            ("mac", Internal),
            ("pruned", Internal),
            ("pruned_mac", Internal),
            ("at", Internal),
            ("signature", Internal),
        ],
    },
    Table {
        name: "data.file",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "gone after its bytes, when somebody deletes it or it never arrived" },
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("name", Content),
            ("media_type", Internal),
            ("bytes", Internal),
            ("sha256", Internal),
            ("state", Internal),
            ("owner_kind", Internal),
            ("owner_id", Internal),
            ("created_by", Internal),
            ("created_at", Internal),
            ("deleted_at", Internal),
        ],
    },
    Table {
        name: "data.chat_channel",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("format", Internal),
            ("name", Content),
            ("kinds", Content),
            ("severity", Internal),
            ("host", Content),
            ("sealed", Secret),
            ("state", Internal),
            ("failing_since", Internal),
            ("rests_until", Internal),
            ("created_at", Internal),
        ],
    },
    Table {
        name: "data.chat_message",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 30, when: "at < $1" },
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("channel_id", Internal),
            ("id", Internal),
            ("kind", Internal),
            ("body", Personal),
            ("at", Internal),
            ("state", Internal),
            ("attempts", Internal),
            ("due_at", Internal),
            ("status", Internal),
            ("error", Internal),
            ("ended_at", Internal),
        ],
    },
    Table {
        name: "data.push_message",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 30, when: "at < $1" },
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("browser_id", Internal),
            ("id", Internal),
            ("user_id", Person),
            ("kind", Internal),
            ("cause", Internal),
            ("urgency", Internal),
            ("body", Personal),
            ("at", Internal),
            ("state", Internal),
            ("attempts", Internal),
            ("due_at", Internal),
            ("status", Internal),
            ("error", Internal),
            ("ended_at", Internal),
        ],
    },
    Table {
        name: "data.webhook_endpoint",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("url", Content),
            ("description", Content),
            ("events", Content),
            ("state", Internal),
            ("failing_since", Internal),
            ("rests_until", Internal),
            ("created_at", Internal),
        ],
    },
    Table {
        name: "data.webhook_secret",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 0, when: "expires_at < $1" },
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("endpoint_id", Internal),
            ("sealed", Secret),
            ("created_at", Internal),
            ("expires_at", Internal),
        ],
    },
    Table {
        name: "data.webhook_message",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "as long as webhooks are told to keep it" },
        exported: false,
        columns: &[("tenant_id", Internal), ("id", Internal), ("event", Internal), ("body", Personal), ("at", Internal)],
    },
    Table {
        name: "data.webhook_delivery",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "as long as its message" },
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("endpoint_id", Internal),
            ("message_id", Internal),
            ("state", Internal),
            ("attempt", Internal),
            ("tries", Internal),
            ("due_at", Internal),
            ("finished_at", Internal),
        ],
    },
    Table {
        name: "data.webhook_attempt",
        erasure: Erasure::Purge,
        retention: Retention::Rule { rule: "as long as its message" },
        exported: false,
        columns: &[
            ("tenant_id", Internal),
            ("endpoint_id", Internal),
            ("message_id", Internal),
            ("number", Internal),
            ("at", Internal),
            ("duration_ms", Internal),
            ("status", Internal),
            ("error", Internal),
            ("response", Content),
        ],
    },
    Table {
        name: "data.notification",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 180, when: "at < $1" },
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("user_id", Own),
            ("event_id", Internal),
            ("kind", Internal),
            ("subject", Internal),
            ("data", Personal),
            ("at", Internal),
            ("read_at", Internal),
            ("listed", Internal),
            ("digest", Internal),
        ],
    },
    Table {
        name: "data.notification_preference",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[("tenant_id", Internal), ("user_id", Own), ("kind", Internal), ("channel", Internal), ("frequency", Internal)],
    },
];
