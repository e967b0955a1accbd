use saas_core::{
    Migrations,
    inventory::{
        Class::{self, Content, Internal, Other, Own, Person, Personal, Secret},
        Erasure, Retention, Table,
    },
};
use sqlx::migrate::Migrator;

static CONTROL: Migrator = sqlx::migrate!("migrations/control");

/// The tables of this crate.
pub const MIGRATIONS: Migrations = Migrations {
    name: "auth",
    control: Some(&CONTROL),
    data: None,
    lookups: &[
        "auth.session_lookup",
        "auth.agent_key_lookup",
        "auth.agent_credential_lookup",
        "auth.api_key_lookup",
        "auth.signing_key_lookup",
        "auth.token_lookup",
    ],
    inventory: INVENTORY,
};

/// How long a session, a sign-in that waited, a mailed link, a change of address or a program's tokens can still be looked up after it is over, for
/// whoever asks what happened; and the public half of a key after what it signed is over.
const REMEMBERED_DAYS: u16 = 30;

const INVENTORY: &[Table] = &[
    Table { name: "auth.account", erasure: Erasure::Purge, retention: Retention::Lasting, exported: true, columns: ACCOUNT },
    Table { name: "auth.avatar", erasure: Erasure::Purge, retention: Retention::Lasting, exported: true, columns: AVATAR },
    Table {
        name: "auth.email_token",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: REMEMBERED_DAYS, when: "least(used_at, expires_at) < $1" },
        exported: false,
        columns: EMAIL_TOKEN,
    },
    Table {
        name: "auth.email_change",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: REMEMBERED_DAYS, when: "least(ended_at, expires_at) < $1" },
        exported: true,
        columns: EMAIL_CHANGE,
    },
    Table {
        name: "auth.export",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 0, when: "expires_at < $1" },
        exported: false,
        columns: EXPORT,
    },
    Table {
        name: "auth.hand_off",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 0, when: "expires_at < $1" },
        exported: false,
        columns: HAND_OFF,
    },
    Table { name: "auth.identity", erasure: Erasure::Purge, retention: Retention::Lasting, exported: true, columns: IDENTITY },
    Table {
        name: "auth.provider_flow",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 0, when: "expires_at < $1" },
        exported: false,
        columns: PROVIDER_FLOW,
    },
    Table { name: "auth.passkey", erasure: Erasure::Purge, retention: Retention::Lasting, exported: true, columns: PASSKEY },
    Table {
        name: "auth.passkey_challenge",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 0, when: "expires_at < $1" },
        exported: false,
        columns: PASSKEY_CHALLENGE,
    },
    Table {
        name: "auth.attempt",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: 0, when: "over_at < $1" },
        exported: false,
        columns: ATTEMPT,
    },
    Table { name: "auth.authenticator", erasure: Erasure::Purge, retention: Retention::Lasting, exported: false, columns: AUTHENTICATOR },
    Table { name: "auth.backup_code", erasure: Erasure::Purge, retention: Retention::Lasting, exported: false, columns: BACKUP_CODE },
    Table {
        name: "auth.pending_entry",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: REMEMBERED_DAYS, when: "expires_at < $1" },
        exported: false,
        columns: PENDING_ENTRY,
    },
    Table { name: "auth.consent", erasure: Erasure::Anonymise, retention: Retention::Lasting, exported: true, columns: CONSENT },
    Table {
        name: "auth.session",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: REMEMBERED_DAYS, when: "least(ended_at, expires_at) < $1" },
        exported: true,
        columns: SESSION,
    },
    Table { name: "auth.agent_key", erasure: Erasure::Purge, retention: Retention::Lasting, exported: true, columns: AGENT_KEY },
    Table {
        name: "auth.agent_credential",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: false,
        columns: AGENT_CREDENTIAL,
    },
    Table { name: "auth.api_key", erasure: Erasure::Purge, retention: Retention::Lasting, exported: true, columns: API_KEY },
    // It is nobody's, and goes when what it signed is over.
    Table {
        name: "auth.signing_key",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: REMEMBERED_DAYS, when: "expires_at < $1" },
        exported: false,
        columns: SIGNING_KEY,
    },
    Table {
        name: "auth.token_family",
        erasure: Erasure::Purge,
        retention: Retention::Days { days: REMEMBERED_DAYS, when: "least(ended_at, expires_at) < $1" },
        exported: true,
        columns: TOKEN_FAMILY,
    },
    Table { name: "auth.operator", erasure: Erasure::Purge, retention: Retention::Lasting, exported: true, columns: OPERATOR },
];

const ACCOUNT: &[(&str, Class)] = &[
    ("user_id", Person),
    ("email", Personal),
    ("email_key", Personal),
    ("name", Personal),
    ("password_hash", Secret),
    ("verified_at", Internal),
    ("created_at", Internal),
    ("leaves_at", Internal),
    ("leaving_reminded_at", Internal),
];

const AVATAR: &[(&str, Class)] =
    &[("user_id", Person), ("id", Internal), ("small", Personal), ("large", Personal), ("created_at", Internal)];

const EMAIL_TOKEN: &[(&str, Class)] = &[
    ("token_hash", Secret),
    ("user_id", Person),
    ("email", Personal),
    ("purpose", Internal),
    ("name", Personal),
    ("password_hash", Secret),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("used_at", Internal),
    ("code_mac", Secret),
];

const EMAIL_CHANGE: &[(&str, Class)] = &[
    ("id", Internal),
    ("user_id", Person),
    ("email", Personal),
    ("email_key", Personal),
    ("old_email", Personal),
    ("password_hash", Secret),
    ("new_token_hash", Secret),
    ("old_token_hash", Secret),
    ("new_confirmed_at", Internal),
    ("old_confirmed_at", Internal),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("ended_at", Internal),
];

const EXPORT: &[(&str, Class)] = &[
    ("id", Internal),
    ("user_id", Person),
    ("asked_at", Internal),
    ("ready_at", Internal),
    ("expires_at", Internal),
    ("token_hash", Secret),
    ("archive", Personal),
];

const HAND_OFF: &[(&str, Class)] = &[
    ("code_hash", Secret),
    ("session_id", Internal),
    ("only_tenant", Internal),
    ("host", Internal),
    ("browser_hash", Secret),
    ("next", Internal),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("used_at", Internal),
];

const IDENTITY: &[(&str, Class)] = &[
    ("id", Internal),
    ("user_id", Person),
    ("provider", Internal),
    ("issuer", Internal),
    ("subject", Personal),
    ("email", Personal),
    ("created_at", Internal),
];

const PROVIDER_FLOW: &[(&str, Class)] = &[
    ("state_hash", Secret),
    ("browser_hash", Secret),
    ("provider", Internal),
    ("user_id", Person),
    ("next", Internal),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("used_at", Internal),
    ("mail_hash", Secret),
    ("issuer", Internal),
    ("subject", Personal),
    ("email", Personal),
    ("name", Personal),
];

const PASSKEY: &[(&str, Class)] = &[
    ("id", Internal),
    ("user_id", Person),
    ("credential_id", Secret),
    ("credential", Secret),
    ("name", Personal),
    ("created_at", Internal),
    ("last_used_at", Personal),
    ("copied_at", Internal),
];

const PASSKEY_CHALLENGE: &[(&str, Class)] =
    &[("token_hash", Secret), ("user_id", Person), ("state", Secret), ("created_at", Internal), ("expires_at", Internal)];

const ATTEMPT: &[(&str, Class)] = &[("subject", Personal), ("times", Internal), ("over_at", Internal)];

const AUTHENTICATOR: &[(&str, Class)] = &[
    ("id", Internal),
    ("user_id", Person),
    ("secret", Secret),
    ("created_at", Internal),
    ("confirmed_at", Internal),
    ("last_step", Internal),
];

const BACKUP_CODE: &[(&str, Class)] = &[("user_id", Person), ("code_hash", Secret), ("created_at", Internal), ("used_at", Internal)];

const PENDING_ENTRY: &[(&str, Class)] = &[
    ("token_hash", Secret),
    ("user_id", Person),
    ("email", Personal),
    ("password_hash", Secret),
    ("methods", Internal),
    ("remembered", Internal),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("used_at", Internal),
];

const CONSENT: &[(&str, Class)] = &[
    ("number", Internal),
    ("user_id", Person),
    ("document", Internal),
    ("version", Internal),
    ("given", Internal),
    ("at", Internal),
    ("address", Personal),
    ("user_agent", Personal),
];

const SESSION: &[(&str, Class)] = &[
    ("id", Internal),
    ("user_id", Person),
    ("token_hash", Secret),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("last_seen_at", Personal),
    ("proved_at", Internal),
    ("remembered", Internal),
    ("methods", Internal),
    ("address", Personal),
    ("user_agent", Personal),
    ("ended_at", Internal),
    ("parent_id", Internal),
    ("only_tenant", Internal),
    ("host", Internal),
];

const AGENT_KEY: &[(&str, Class)] = &[
    ("tenant_id", Internal),
    ("id", Internal),
    ("name", Content),
    ("secret_hash", Secret),
    ("prefix", Internal),
    ("created_by", Internal),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("revoked_at", Internal),
    ("last_used_at", Internal),
    ("networks", Content),
    ("workspace_id", Internal),
    ("previous_hash", Secret),
    ("previous_until", Internal),
];

const AGENT_CREDENTIAL: &[(&str, Class)] = &[
    ("tenant_id", Internal),
    ("id", Internal),
    ("agent_id", Internal),
    ("key_id", Internal),
    ("instance", Internal),
    ("secret_hash", Secret),
    ("created_at", Internal),
    ("revoked_at", Internal),
    ("last_used_at", Internal),
    ("previous_hash", Secret),
    ("previous_until", Internal),
];

const API_KEY: &[(&str, Class)] = &[
    ("tenant_id", Internal),
    ("id", Internal),
    ("name", Content),
    ("scopes", Internal),
    ("secret_hash", Secret),
    ("prefix", Internal),
    ("created_by", Internal),
    ("member_since", Internal),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("revoked_at", Internal),
    ("last_used_at", Internal),
    ("networks", Content),
    ("previous_hash", Secret),
    ("previous_until", Internal),
    ("exposed_at", Internal),
];

const SIGNING_KEY: &[(&str, Class)] = &[
    ("id", Internal),
    ("public_key", Internal),
    ("sealed_private_key", Secret),
    ("created_at", Internal),
    ("signs_from", Internal),
    ("expires_at", Internal),
];

const TOKEN_FAMILY: &[(&str, Class)] = &[
    ("tenant_id", Internal),
    ("id", Internal),
    ("user_id", Own),
    ("member_since", Internal),
    ("name", Content),
    ("token_hash", Secret),
    ("created_at", Internal),
    ("expires_at", Internal),
    ("last_seen_at", Personal),
    ("address", Personal),
    ("user_agent", Personal),
    ("ended_at", Internal),
    ("second_factor", Internal),
];

const OPERATOR: &[(&str, Class)] =
    &[("user_id", Person), ("role", Internal), ("granted_at", Internal), ("granted_by", Other), ("reason", Personal)];
