//! What one would write without the framework: bare axum and sqlx, tuned.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use saas_core::{Clock, Token};
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, Connection as _, FromRow, PgConnection, PgPool, Row as _, SqlSafeStr as _,
    postgres::{PgPoolOptions, PgRow},
};
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use crate::Outcome;

/// What a hand-written server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Duties {
    /// Session, membership and permission; the tenant is in the `where`.
    Filter,
    /// The same; the tenant is in a policy.
    Policy,
    /// None: the request says which tenant it wants.
    None,
}

/// What one is told on its input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) duties: Duties,
    pub(crate) url: String,
    pub(crate) pool: u32,
}

struct App {
    pool: PgPool,
    clock: Clock,
}

/// Runs one, until its input is closed.
pub(crate) fn serve() -> Outcome<()> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let configuration: Configuration = serde_json::from_str(&line)?;
    tokio::runtime::Runtime::new()?.block_on(run(configuration))
}

async fn run(configuration: Configuration) -> Outcome<()> {
    let pool = PgPoolOptions::new()
        .min_connections(configuration.pool)
        .max_connections(configuration.pool)
        .test_before_acquire(false)
        .connect(&configuration.url)
        .await?;
    let app = Arc::new(App { pool, clock: Clock::system() });
    let router = match configuration.duties {
        Duties::Filter => Router::new().route("/api/v1/devices", get(by_filter)),
        Duties::Policy => Router::new().route("/api/v1/devices", get(by_policy)),
        Duties::None => Router::new().route("/api/v1/devices", get(unguarded)),
    };
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let port = listener.local_addr()?.port();
    io::Write::write_all(&mut io::stdout(), format!("{port}\n").as_bytes())?;
    let mut closed = Vec::new();
    tokio::select! {
        served = axum::serve(listener, router.with_state(app)).into_future() => Ok(served?),
        end = async { tokio::io::stdin().read_to_end(&mut closed).await } => end.map(drop).map_err(Into::into),
    }
}

async fn by_filter(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refused> {
    let token = token(&request)?;
    let mut connection = app.pool.acquire().await?;
    let member = session(&mut connection, &token, &app.clock, SESSION).await?;
    let devices = devices(&mut connection, LIST_BY_FILTER, Some(member.tenant)).await?;
    drop(connection);
    answer(devices)
}

async fn by_policy(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refused> {
    let token = token(&request)?;
    let mut connection = app.pool.acquire().await?;
    let member = session(&mut connection, &token, &app.clock, SESSION_BY_POLICY).await?;
    // Both are UUIDs, printed by their own Display.
    let begin = format!(
        "begin read only; select set_config('saas.tenant_id', '{}', true), set_config('saas.user_id', '{}', true)",
        member.tenant, member.user
    );
    let mut transaction = connection.begin_with(AssertSqlSafe(begin).into_sql_str()).await?;
    let devices = devices(&mut transaction, LIST_BY_POLICY, None).await?;
    // The rollback travels with the ping that sqlx sends when a connection comes back: nothing is quicker.
    drop(transaction);
    drop(connection);
    answer(devices)
}

async fn unguarded(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refused> {
    let named = request.headers().get("x-tenant").and_then(|value| value.to_str().ok()?.parse().ok());
    let tenant: Uuid = named.ok_or(Refused(StatusCode::NOT_FOUND))?;
    let mut connection = app.pool.acquire().await?;
    let devices = devices(&mut connection, LIST_BY_FILTER, Some(tenant)).await?;
    drop(connection);
    answer(devices)
}

fn token(request: &Request) -> Result<Token, Refused> {
    let cookies = request.headers().get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let value = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("__Host-session="));
    value.and_then(Token::parse).ok_or(Refused(StatusCode::UNAUTHORIZED))
}

struct Member {
    user: Uuid,
    tenant: Uuid,
}

const SESSION: &str = "select s.id, s.user_id, a.name, a.email, t.id, t.slug, t.name, m.role \
    from auth.session s join auth.account a on a.user_id = s.user_id join core.user u on u.id = s.user_id \
    join core.member m on m.user_id = s.user_id and m.left_at is null join core.tenant t on t.id = m.tenant_id and t.state = 'active' \
    where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 and u.state = 'active'";

/// Here a policy guards members too, and no tenant is known yet, so they are in a table that this login may read.
const SESSION_BY_POLICY: &str = "select s.id, s.user_id, a.name, a.email, m.organization, m.slug, m.name, m.role \
    from auth.session s join auth.account a on a.user_id = s.user_id join core.user u on u.id = s.user_id \
    join bench.membership m on m.user_id = s.user_id \
    where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 and u.state = 'active'";

async fn session(connection: &mut PgConnection, token: &Token, clock: &Clock, statement: &'static str) -> Result<Member, Refused> {
    let hash = token.hash();
    let row = sqlx::query(statement).bind(hash.as_bytes()).bind(clock.now()).fetch_optional(connection).await?;
    let row = row.ok_or(Refused(StatusCode::UNAUTHORIZED))?;
    let role: &str = row.try_get_unchecked(7)?;
    if !matches!(role, "owner" | "admin" | "member" | "viewer") {
        return Err(Refused(StatusCode::FORBIDDEN));
    }
    Ok(Member { user: row.try_get_unchecked(1)?, tenant: row.try_get_unchecked(4)? })
}

#[derive(Serialize)]
struct Device {
    id: Uuid,
    name: Option<String>,
    #[serde(serialize_with = "address_text")]
    address: IpNet,
    mac: Option<String>,
    state: String,
    since_at: Option<DateTime<Utc>>,
    checked_at: Option<DateTime<Utc>>,
    latency_us: Option<i64>,
    agent: String,
}

fn address_text<S: serde::Serializer>(net: &IpNet, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&net.addr())
}

impl FromRow<'_, PgRow> for Device {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            name: row.try_get_unchecked(1)?,
            address: row.try_get_unchecked(2)?,
            mac: row.try_get_unchecked(3)?,
            state: row.try_get_unchecked(4)?,
            since_at: row.try_get_unchecked(5)?,
            checked_at: row.try_get_unchecked(6)?,
            latency_us: row.try_get_unchecked(7)?,
            agent: row.try_get_unchecked(8)?,
        })
    }
}

pub(crate) const LIST_BY_FILTER: &str = "select d.id, d.hostname, d.address, d.mac, d.state, d.since_at, d.checked_at, d.latency_us, a.name \
    from data.device d join data.agent a on a.tenant_id = d.tenant_id and a.id = d.agent_id \
    where d.tenant_id = $1 order by d.address, d.id limit 50";

pub(crate) const LIST_BY_POLICY: &str = "select d.id, d.hostname, d.address, d.mac, d.state, d.since_at, d.checked_at, d.latency_us, a.name \
    from data.device d join data.agent a on a.tenant_id = d.tenant_id and a.id = d.agent_id \
    order by d.address, d.id limit 50";

async fn devices(connection: &mut PgConnection, statement: &'static str, tenant: Option<Uuid>) -> Result<Vec<Device>, Refused> {
    let query = sqlx::query_as(statement);
    let query = match tenant {
        Some(tenant) => query.bind(tenant),
        None => query,
    };
    Ok(query.fetch_all(connection).await?)
}

#[derive(Serialize)]
struct List {
    items: Vec<Device>,
    next: Option<String>,
}

fn answer(devices: Vec<Device>) -> Result<Response, Refused> {
    let next = devices.last().filter(|_| devices.len() == 50).map(|device| format!("{}_{}", device.address.addr(), device.id));
    let body = serde_json::to_vec(&List { items: devices, next }).map_err(|_| Refused(StatusCode::INTERNAL_SERVER_ERROR))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

struct Refused(StatusCode);

impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<sqlx::Error> for Refused {
    fn from(_: sqlx::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
