//! What every part of a SaaS stands on: the two nouns, tenant and user; a database that keeps tenants apart by itself; permissions as types;
//! one HTTP error; events; mail; pages.
//!
//! # Where things are
//!
//! * The database: [`Db`], [`TenantDb`], [`TenantTx`], [`Migrations`], [`inventory`].
//! * Who is calling, how they want to be addressed and what they may do: [`Principal`], [`Preferences`], [`Standing`], [`Can`],
//!   [`permissions!`].
//! * HTTP: [`Routes`], [`finish`], [`Problem`], [`Json`], [`Form`], [`Path`], [`Query`], [`Page`].
//! * What happens: [`Event`], [`event_in`]; what follows from it: [`Relay`], [`Consumer`], [`Live`].
//! * Work for later: [`Job`], [`job_in`], [`Jobs`].
//! * How often, and how much of what: [`limit`], [`Metrics`].
//! * What is outside and may be away: [`Dependencies`], [`Breaker`].
//! * The program: [`Settings`], [`MasterKey`], [`Lifecycle`], [`serve`], [`init_logs`].
//! * Development and tests: [`dev`], `testing` (a feature).

// The id macro names this crate, here as elsewhere.
extern crate self as saas_core;

pub mod audit;
mod backoff;
pub mod chat;
mod clock;
mod csv;
mod db;
mod dependency;
pub mod dev;
mod email;
mod erasure;
mod event;
mod export;
mod extract;
mod failure;
pub mod file;
mod flag;
mod id;
mod idempotency;
pub mod inventory;
mod job;
mod keys;
mod lifecycle;
pub mod limit;
mod list;
mod live;
pub mod mail;
mod metrics;
pub mod notification;
mod openapi;
pub mod operator;
mod origin;
mod outbound;
pub mod pages;
mod permission;
mod preferences;
mod principal;
mod problem;
mod purge;
mod push;
mod relay;
mod revised;
mod routes;
mod secret;
mod settings;
mod step_up;
mod sweep;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod web;
pub mod webhook;
mod wrong;

pub use audit::{AuditRead, audit_routes};
pub use clock::Clock;
pub use csv::csv_cell;
pub use db::{
    ConnectError, DatabaseConfig, Db, DbError, Finding, Logins, MigrateError, Migrations, ProvisionError, Retryable, SealError, Severity,
    SystemDb, SystemTx, TenantDb, TenantTx, provision,
};
pub use dependency::{Breaker, BreakerPass, BreakerState, Dependencies, Dependency, Interrupted};
pub use email::{Email, InvalidEmail};
pub use erasure::{EraseAgain, Erased, ErasedAgain, ErasedReport, Erasures, ErasuresError, person_erase_again_in, person_erase_in};
pub use event::{Change, Event, EventCatalogue, EventKind, EventSeverity, MASK, Masked, Personal, event_in, system_event_in};
pub use export::{PackError, PersonExport, TenantArchiveError, TenantArchives, person_export_in};
pub use extract::{Form, Json, Multipart, Path, Query, Upload, Validate};
pub use flag::{Flag, FlagOwner, Flags};
pub use id::{AgentId, EventId, KeyId, SessionId, TenantId, TokenFamilyId, UserId, WorkspaceId};
pub use idempotency::NewTenantDb;
pub use job::{
    DeadLetter, DeadLetters, Job, JobError, JobId, JobOptions, JobStats, Jobs, JobsConfig, Lane, ReplayError, RunScope, RunningJobs,
    StartError, Superseded, SystemRun, TenantRun, job_in, job_system_in,
};
pub use keys::{MasterKey, MasterKeyError, OpenError, Purpose};
pub use lifecycle::Lifecycle;
pub use list::{Everything, List, Listed, Order, OrderBy, Slice, Wanted};
pub use live::Live;
#[cfg(feature = "redis")]
pub use live::RedisCarrier;
pub use metrics::{CounterHandle, Counters, Metrics, serve_metrics};
pub use openapi::{Accepted, Answers, Created, Document, Download, NoContent, Operation};
pub use origin::Origin;
pub use outbound::{Outbound, OutboundAnswer, OutboundError, OutboundPolicy, ResolveName, SystemResolver};
pub use permission::{
    Can, CanOwn, Conditions, CurrentMember, Permission, PlanFeatures, Reached, Reaching, Resource, ShareLevel, Standing, Surroundings,
    Within,
};
pub use preferences::{Preferences, Theme, TimeZone, UnknownTheme, UnknownTimeZone, person_known_as_in, preferences_set_in};
pub use principal::{Actor, AgentPrincipal, CurrentAgent, CurrentUser, KeyPrincipal, Membership, Principal, SignedIn, TokenPrincipal};
pub use problem::{Cause, FieldError, Problem, ProblemType};
pub use purge::{PurgeError, TenantStore, tenant_purge, tenant_purged_in};
pub use push::{BrowserId, Push, PushBrowser, PushBrowserAdded, PushBrowserRemoved, PushChannel, PushError, PushOutcome, RemovedBecause};
pub use relay::{
    Consumer, ConsumerError, DeadEvent, EventReplay, EventsReplayed, Ledger, RecordedEvent, Relay, RelaySettings, RelayState,
    UndeliveredEvent, events_replay_in, events_undelivered_in,
};
pub use revised::Revised;
pub use routes::{Access, Beneath, Caller, Declares, Described, Paths, RouteInfo, Routes};
pub use secret::{Secret, Token, TokenHash};
pub use settings::{Settings, SettingsError};
pub use step_up::{RecentProof, StepUp};
pub use sweep::{Expired, sweep, sweep_daily, sweep_due};
pub use telemetry::{LogFormat, LogFormatError, init_logs};
#[cfg(feature = "otlp")]
pub use telemetry::{Traces, TracesError, init_telemetry};
pub use web::{
    App, ClientAddress, FormErrors, HostName, Html, InvalidHostName, NavLink, Nonce, OnTenantHost, Page, RequestId, TenantHost,
    TenantHosts, Web, finish, serve,
};

/// What this crate announces.
pub const EVENTS: &[&[EventKind]] =
    &[chat::EVENTS, file::EVENTS, mail::EVENTS, notification::EVENTS, push::EVENTS, relay::EVENTS, webhook::EVENTS];

#[doc(hidden)]
pub mod __private {
    pub use crate::id::id_schema;
    pub use {serde, sqlx, utoipa, uuid};
}
