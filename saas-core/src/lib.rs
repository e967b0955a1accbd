//! What every part of a SaaS stands on: the two nouns, tenant and user; a database that keeps tenants apart by itself; permissions as types;
//! one HTTP error; events; mail; pages.
//!
//! # Where things are
//!
//! * The database: [`Db`], [`TenantDb`], [`TenantTx`], [`Migrations`], [`inventory`].
//! * Who is calling and what they may do: [`Principal`], [`Standing`], [`Can`], [`permissions!`].
//! * HTTP: [`Routes`], [`finish`], [`Problem`], [`Json`], [`Form`], [`Path`], [`Query`], [`Page`].
//! * What happens: [`Event`], [`event_in`], [`Live`].
//! * The program: [`Settings`], [`MasterKey`], [`Lifecycle`], [`serve`], [`init_logs`].
//! * Development and tests: [`dev`], `testing` (a feature).

// The id macro names this crate, here as elsewhere.
extern crate self as saas_core;

mod clock;
mod db;
pub mod dev;
mod event;
mod extract;
mod id;
pub mod inventory;
mod job;
mod keys;
mod lifecycle;
mod live;
pub mod mail;
pub mod pages;
mod permission;
mod principal;
mod problem;
mod routes;
mod secret;
mod settings;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod web;

pub use clock::Clock;
pub use db::{
    ConnectError, DatabaseConfig, Db, DbError, Finding, Logins, MigrateError, Migrations, ProvisionError, Severity, SystemDb, SystemTx,
    TenantDb, TenantTx, provision,
};
pub use event::{Event, event_in};
pub use extract::{Form, Json, Path, Query, Validate};
pub use id::{AgentId, EventId, SessionId, TenantId, UserId};
pub use job::{
    DeadLetter, DeadLetters, Job, JobError, JobId, JobOptions, JobStats, Jobs, JobsConfig, Lane, ReplayError, RunScope, RunningJobs, StartError, Superseded,
    SystemRun, TenantRun, job_in, job_system_in,
};
pub use keys::{MasterKey, MasterKeyError, OpenError, Purpose};
pub use lifecycle::Lifecycle;
pub use live::Live;
pub use permission::{Can, Permission, Standing};
pub use principal::{Actor, AgentPrincipal, CurrentAgent, CurrentUser, Membership, Principal, SignedIn};
pub use problem::{Cause, FieldError, Problem, ProblemType};
pub use routes::{Access, Caller, Declares, DeclaresAll, RouteInfo, Routes};
pub use secret::{Secret, Token, TokenHash};
pub use settings::{Settings, SettingsError};
pub use telemetry::{LogFormat, LogFormatError, init_logs};
pub use web::{App, ClientAddress, FormErrors, Html, NavLink, Nonce, Page, RequestId, Web, finish, serve};

#[doc(hidden)]
pub mod __private {
    pub use {serde, sqlx, uuid};
}
