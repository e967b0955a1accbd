//! The server: agents, their devices, and what people see of them.

mod agents;
mod devices;
mod home;
mod ingest;
mod limits;
mod live;
mod plan;
mod presence;
mod seats;
mod start;
mod usage;

pub use presence::agents_mark_offline;

use std::sync::Arc;

use chrono::TimeDelta;
use saas_admin::{ComposeError, Product, Program};
use saas_auth::{API_KEY_NOTICES, ApiKeyRead, ApiKeyWrite, Auth, Document, Scope};
use saas_billing::{
    BILLING_NOTICES, Billing, BillingRead, BillingWrite, Counts, Feature, Limit, LimitNear, Meter, Payments, Plans, PlansError, Till,
};
use saas_core::{
    AuditRead, DbError, Event as _, EventKind, EventReplay, Flag, Live, Migrations, NavLink, Permission as _, Push, Routes, TenantDb,
    TenantStore,
    audit::AuditChain,
    chat::{Chat, ChatRead, ChatWrite},
    file::{FileRead, FileRules, FileWrite, Files},
    inventory::{
        Class::{Content, Internal},
        Erasure, Retention, Table,
    },
    mail::MailWrite,
    notification::{Frequency, NoticeGroup, NoticeKind, Notifications},
    pages::PageSet,
    webhook::{WebhookRead, WebhookWrite},
};
use saas_tenancy::{
    ActiveOrganization, Header, MemberRead, OrganizationLeaving, OrganizationRestored, OrganizationWrite, ResolveTenant as _, Role,
    RoleWrite, Roles, Tenancy, WorkspaceRead, WorkspaceWrite,
};
use sqlx::migrate::Migrator;

saas_core::ids! {
    /// A device on a watched network.
    pub DeviceId;
}

saas_core::permissions! {
    /// See agents and devices.
    pub DeviceRead = "monitoring.device.read";
    /// Add and remove agents.
    pub AgentWrite = "monitoring.agent.write";
    /// Share agents with members one by one.
    pub AgentShare = "monitoring.agent.share";
    /// Report devices and their states. For agents.
    pub AgentReport = "monitoring.agent.report";
}

/// Agents, each watching a network.
pub const AGENTS: Meter = Meter::new("agents");
/// Devices that agents found.
pub const DEVICES: Meter = Meter::new("devices");
/// People in an organization.
pub const SEATS: Meter = Meter::new("seats");
/// For how many days the audit log is kept.
const AUDIT_DAYS: Meter = Meter::new("audit-days");

/// Who may do what.
pub const MATRIX: &[(&str, &[Role])] = &[
    (FileRead::NAME, Role::ALL),
    (FileWrite::NAME, &[Role::Owner, Role::Admin, Role::Member]),
    (DeviceRead::NAME, Role::ALL),
    (AgentWrite::NAME, &[Role::Owner, Role::Admin]),
    (AgentShare::NAME, &[Role::Owner, Role::Admin]),
    (BillingRead::NAME, &[Role::Owner, Role::Admin]),
    (BillingWrite::NAME, &[Role::Owner]),
    (ApiKeyRead::NAME, &[Role::Owner, Role::Admin]),
    (ApiKeyWrite::NAME, &[Role::Owner, Role::Admin]),
    (ChatRead::NAME, &[Role::Owner, Role::Admin]),
    (ChatWrite::NAME, &[Role::Owner, Role::Admin]),
    (EventReplay::NAME, &[Role::Owner, Role::Admin]),
    (MailWrite::NAME, &[Role::Owner, Role::Admin]),
    (WebhookRead::NAME, &[Role::Owner, Role::Admin]),
    (WebhookWrite::NAME, &[Role::Owner, Role::Admin]),
];

/// Who may do what with what they added themselves.
pub const OWN: &[(&str, &[Role])] = &[(AgentWrite::NAME, &[Role::Member]), (AgentShare::NAME, &[Role::Member])];

/// An organization makes roles of its own.
const CUSTOM_ROLES: Feature = Feature::new("custom-roles");

/// What takes a feature of the plan.
pub const FEATURED: &[(&str, &str)] = &[(RoleWrite::NAME, CUSTOM_ROLES.name())];

/// The list of devices says how fast each answers.
pub const LATENCY: Flag = Flag::new("latency", "monitoring-flag-latency");

/// What can be switched for each organization.
const FLAGS: &[Flag] = &[LATENCY];

/// What API keys may be given. People are managed by people, and so are keys, roles, money and whom the organization writes to.
const SCOPES: &[Scope] = &[
    Scope::of::<DeviceRead>("monitoring-scope-watching", "monitoring-scope-device-read"),
    Scope::of::<AgentWrite>("monitoring-scope-watching", "monitoring-scope-agent-write"),
    Scope::of::<FileRead>("core-files", "monitoring-scope-file-read"),
    Scope::of::<FileWrite>("core-files", "monitoring-scope-file-write"),
    Scope::of::<WebhookRead>("core-webhooks", "monitoring-scope-webhook-read"),
    Scope::of::<WebhookWrite>("core-webhooks", "monitoring-scope-webhook-write"),
    Scope::of::<MemberRead>("monitoring-scope-organization", "monitoring-scope-member-read"),
    Scope::of::<WorkspaceRead>("monitoring-scope-organization", "monitoring-scope-workspace-read"),
    Scope::of::<WorkspaceWrite>("monitoring-scope-organization", "monitoring-scope-workspace-write"),
    Scope::of::<AuditRead>("monitoring-scope-organization", "monitoring-scope-audit-read"),
];

/// What people may agree to.
const DOCUMENTS: &[Document] = &[Document::optional("marketing", "1", "auth-consent-marketing")];

static DATA: Migrator = sqlx::migrate!("migrations/data");

/// The tables of this product.
pub const MIGRATIONS: Migrations = Migrations { name: "monitoring", control: None, data: Some(&DATA), lookups: &[], inventory: INVENTORY };

/// The pages of this product.
pub const PAGES: PageSet = saas_core::page_set!("monitoring");

/// What this product announces.
pub const EVENTS: &[EventKind] = &[
    EventKind::of::<agents::AgentAdded>(),
    EventKind::of::<agents::AgentRemoved>(),
    EventKind::of::<ingest::AgentChanged>(),
    EventKind::of::<ingest::AgentConnected>(),
    EventKind::of::<presence::AgentWentOffline>(),
    EventKind::of::<ingest::DevicesChanged>(),
    EventKind::of::<ingest::DevicesFound>(),
    EventKind::of::<ingest::DeviceStatesChanged>(),
];

/// Everything that the product brings to the database.
pub const ALL_MIGRATIONS: &[Migrations] = &[saas_auth::MIGRATIONS, saas_tenancy::MIGRATIONS, saas_billing::MIGRATIONS, MIGRATIONS];

/// The plans that it is sold by.
///
/// # Errors
///
/// Everything that is wrong with them.
pub fn plans() -> Result<Plans, PlansError> {
    Plans::from_toml(include_str!("../plans.toml"))
}

/// The main navigation.
const NAV: &[NavLink] = &[
    NavLink::new("/devices", "monitoring-devices"),
    NavLink::new("/agents", "monitoring-agents"),
    NavLink::new("/files", "core-files"),
    NavLink::new("/start", "tenancy-onboarding-title").of_organization(),
    NavLink::new("/members", "monitoring-members").of_organization(),
    NavLink::new("/roles", "tenancy-roles-title").of_organization(),
    NavLink::new("/workspaces", "tenancy-workspaces-title").of_organization(),
    NavLink::new("/organization/settings", "tenancy-settings-title").needs::<OrganizationWrite>().of_organization(),
    NavLink::new("/organization/security", "tenancy-security-title").needs::<OrganizationWrite>().of_organization(),
    NavLink::new("/audit", "core-audit").needs::<AuditRead>().of_organization(),
    NavLink::new("/channels", "core-chat").needs::<ChatRead>().of_organization(),
    NavLink::new("/mail", "core-mail-settings").needs::<MailWrite>().of_organization(),
    NavLink::new("/api-keys", "auth-api-keys").needs::<ApiKeyRead>().of_organization(),
    NavLink::new("/webhooks", "core-webhooks").needs::<WebhookRead>().of_organization(),
    NavLink::new("/billing", "billing-title").needs::<BillingRead>().of_organization(),
    NavLink::new("/usage", "billing-usage-title").needs::<BillingRead>().of_organization(),
    NavLink::new("/notifications", "core-notifications").badge("/notifications/count"),
];

/// The product, for the command line.
#[must_use]
pub fn product() -> Product {
    Product {
        name: "monitoring",
        title: "Monitoring",
        migrations: ALL_MIGRATIONS,
        events: &[saas_auth::EVENTS, saas_tenancy::EVENTS, saas_billing::EVENTS, EVENTS],
        pages: &[saas_auth::PAGES, saas_tenancy::PAGES, saas_billing::PAGES, PAGES],
        nav: NAV,
        plans: Some(plans),
        flags: FLAGS,
        compose,
    }
}

/// What people are told of, unless they prefer otherwise.
const NOTICES: &[NoticeKind] = &[
    NoticeKind::new(presence::AgentWentOffline::NAME, "monitoring-notice-agent-offline", "/agents/{subject}").mail(Frequency::Now),
    NoticeKind::new(ingest::DeviceStatesChanged::NAME, "monitoring-notice-devices-down", "/devices?state=down")
        .mail(Frequency::Now)
        .when(|data| data["down"].as_array().is_some_and(|down| !down.is_empty()))
        // The subject is the agent: another device of its network that goes down is other news.
        .about(|data| data["down"].to_string()),
    NoticeKind::new("tenancy.member.joined", "monitoring-notice-member-joined", "/members").group(NoticeGroup::Team),
    API_KEY_NOTICES[0],
    API_KEY_NOTICES[1],
    BILLING_NOTICES[0],
    BILLING_NOTICES[1],
    BILLING_NOTICES[2],
    NoticeKind::new(LimitNear::NAME, "monitoring-notice-limit-near", "/billing")
        .group(NoticeGroup::Billing)
        .mail(Frequency::Now)
        .own_letter(),
];

/// What the handlers of the product share.
#[derive(Debug, Clone)]
struct State {
    auth: Auth,
    tenancy: Tenancy,
    billing: Billing,
    counts: Counts,
    live: Live,
    public_url: url::Url,
}

/// Puts the product together.
///
/// # Errors
///
/// Fails if a part cannot be set up.
pub fn compose(program: &Program) -> Result<Routes, ComposeError> {
    let billing = Billing::new(plans()?)?;
    let sold = billing.clone();
    let auth = Auth::builder(&program.db, &program.master_key, program.outbox.clone(), program.pages.clone(), program.public_url.clone())
        .home("/devices")
        .welcome("/organizations/new")
        .agent_key_prefix("mon")
        .scopes(SCOPES)
        .sign_in_by_mail(true)
        .documents(DOCUMENTS)
        .token_features(move |db| plan_features(sold.clone(), db))
        .insecure_lan(program.insecure_lan)
        .session_idle(program.session_idle)
        .providers(program.providers.clone())
        .passkeys(true)
        .outbound(program.outbound.clone())
        .shown_in(&program.dependencies)
        .build()?;
    auth.erase_daily(&program.jobs, &program.erasures);
    auth.export_for(&program.jobs);
    auth.rotate_signing_keys_daily(&program.jobs);
    let roles = Roles::new(MATRIX).own(OWN).featured(FEATURED).agents(&[AgentReport::NAME]);
    let holders = roles.clone();
    let tenancy = Tenancy::with_home(&program.db, Header::new("x-organization").or(ActiveOrganization), roles, "/devices")
        .insecure_lan(program.insecure_lan)
        .inviting(program.outbox.clone())
        .seats(seats::PlanSeats(billing.clone()))
        .plan_features(plan::SoldFeatures { billing: billing.clone(), db: program.db.clone() })
        .sharing::<agents::SharedAgent>("/agents/{id}")
        .flags(FLAGS)
        .onboarding(start::onboarding(billing.clone()))
        .exporting(program.storage.clone());
    tenancy.export_for(&program.jobs);
    presence::start(&program.db, &program.lifecycle);

    let sessions = auth.clone();
    let push = Push::new(&program.db, &program.master_key, program.outbound.clone(), &program.public_url, move |session| {
        let auth = sessions.clone();
        async move { auth.session_holds(session).await }
    });
    push.work_for(&program.jobs);
    let notifications = Notifications::new(NOTICES, program.catalogue.clone(), &program.outbox, &program.master_key, move |permission| {
        holders.holding(permission)
    })
    .in_browsers(&push);
    notifications.register(&program.relay);
    program.relay.register(notifications.through(billing.letters(&notifications, &program.outbox, "monitoring")));
    notifications.digest_daily(&program.jobs);
    let chat = Chat::new(&notifications, &program.master_key, program.outbound.clone());
    program.relay.register(notifications.through(chat.clone()));
    chat.work_for(&program.jobs);
    let files = Files::new(program.storage.clone(), &program.master_key, FileRules::DOCUMENTS);
    files.sweep_daily(&program.jobs);
    let plans = billing.clone();
    AuditChain::new(&program.db, &program.master_key).prune_daily(&program.jobs, move |db| audit_kept(plans.clone(), db));

    let till = Till::new(&program.db, &billing, program.payments.as_ref(), program.public_url.clone(), "monitoring")
        .counting(AGENTS)
        .counting(DEVICES)
        .counting_by(SEATS, |tx| Box::pin(seats::taken_in(tx)));
    let till = usage::shown(till, &auth);
    // The money before the files: if the gateway is away, nothing has gone yet.
    let mut stores: Vec<Arc<dyn TenantStore>> = Vec::new();
    if let Some(payments) = &program.payments {
        payments.work_for(&program.jobs);
        payments.reconcile_for(&program.jobs, &program.metrics);
        payments.hear_of_departures(&program.relay, &[OrganizationLeaving::NAME, OrganizationRestored::NAME]);
        stores.push(Arc::new(payments.clone()));
    }
    stores.push(Arc::new(files.clone()));
    tenancy.purge_daily(&program.jobs, &program.erasures, stores);

    let state = State {
        auth: auth.clone(),
        tenancy: tenancy.clone(),
        billing: billing.clone(),
        counts: program.counts.clone(),
        live: program.live.clone(),
        public_url: program.public_url.clone(),
    };
    let tenant = Routes::new()
        .merge(agents::routes())
        .merge(devices::routes())
        .merge(ingest::routes())
        .merge(live::routes())
        .with_state(state.clone())
        .merge(auth.api_key_routes())
        .merge(files.routes())
        .merge(notifications.routes())
        .merge(chat.routes())
        .merge(saas_core::mail::mail_routes(&program.db, &program.master_key))
        .merge(saas_core::audit_routes())
        .merge(program.webhooks.routes())
        .layer(billing.layer(&program.db))
        .merge(till.routes())
        .layer(usage::requests(program))
        .layer(limits::members(program, &billing))
        .layer(tenancy.layer());
    let home = home::routes().merge(billing.pricing_routes("monitoring")).layer(tenancy.surroundings());
    let own = tenancy.routes_within(|own| own.layer(billing.layer(&program.db)));
    let personal = Routes::new().merge(own).merge(home).layer(limits::callers(program));
    Ok(Routes::new()
        .merge(tenant)
        .merge(personal)
        .merge(ingest::registration().with_state(state))
        .merge(auth.routes().merge(auth.token_routes()).layer(tenancy.surroundings()).layer(limits::strangers(program)))
        .merge(notifications.unsubscribe_routes(&program.db).layer(limits::strangers(program)))
        .layer(auth.layer())
        .layer(limits::everybody(program))
        .merge(program.payments.as_ref().map(Payments::routes).unwrap_or_default())
        .featured(FEATURED)
        .open_to_keys(SCOPES.iter().map(|scope| scope.permission)))
}

/// What an organization's plan lets it use, for tokens to say.
async fn plan_features(billing: Billing, db: TenantDb) -> Result<Vec<String>, DbError> {
    let mut tx = db.begin().await?;
    Ok(billing.plan_in(&mut tx).await?.meters().map(ToOwned::to_owned).collect())
}

/// How long an organization's audit log is kept, by its plan.
///
/// # Errors
///
/// Fails if the plan cannot be read.
pub async fn audit_kept(billing: Billing, db: TenantDb) -> Result<Option<TimeDelta>, DbError> {
    let mut tx = db.begin().await?;
    Ok(match billing.entitlement_in(&mut tx).await?.limit(AUDIT_DAYS) {
        Limit::AtMost(days) => Some(TimeDelta::days(days.into())),
        Limit::Unlimited => None,
    })
}

const INVENTORY: &[Table] = &[
    Table {
        name: "data.agent",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("name", Content),
            ("key_id", Internal),
            ("state", Internal),
            ("hostname", Content),
            ("version", Internal),
            ("os", Content),
            ("networks", Content),
            ("created_by", Internal),
            ("created_at", Internal),
            ("last_seen_at", Internal),
            ("workspace_id", Internal),
        ],
    },
    Table {
        name: "data.device",
        erasure: Erasure::Purge,
        retention: Retention::Lasting,
        exported: true,
        columns: &[
            ("tenant_id", Internal),
            ("id", Internal),
            ("agent_id", Internal),
            ("address", Content),
            ("mac", Content),
            ("hostname", Content),
            ("found_by", Internal),
            ("state", Internal),
            ("since_at", Internal),
            ("checked_at", Internal),
            ("latency_us", Internal),
            ("created_at", Internal),
        ],
    },
];
