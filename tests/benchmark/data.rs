//! The rows: tenants, each with a person who is signed in, an agent and its devices.

use chrono::TimeDelta;
use saas_core::{Clock, Token};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::Outcome;

/// A tenant and how its person is recognized.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    /// The session's cookie.
    pub(crate) cookie: String,
}

/// Makes tenants, each with an owner who has a session. Unlimited plans, so that agents may be added.
pub(crate) async fn tenants(superuser: &str, name: &str, count: u32) -> Outcome<Vec<Tenant>> {
    let now = Clock::system().now();
    let mut connection = PgConnection::connect(superuser).await?;
    let mut tenants = Vec::new();
    let (mut ids, mut users, mut slugs, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..count {
        let token = Token::generate();
        let id = Uuid::now_v7();
        ids.push(id);
        users.push(Uuid::now_v7());
        slugs.push(format!("{name}-{number}"));
        hashes.push(token.hash().as_bytes().to_vec());
        tenants.push(Tenant { id, cookie: cookie(&token) });
    }
    for statement in [
        "insert into core.tenant (id, slug, name, created_at) select t, s, s, $5 from unnest($1::uuid[], $2::text[]) as n (t, s) \
            where $3::uuid[] is not null and $4::bytea[] is not null and $6::timestamptz is not null",
        "insert into core.user (id, created_at) select u, $5 from unnest($3::uuid[]) as n (u) \
            where $1::uuid[] is not null and $2::text[] is not null and $4::bytea[] is not null and $6::timestamptz is not null",
        "insert into core.member (tenant_id, user_id, role, name, email, joined_at) select t, u, 'owner', s, s || '@example.test', $5 \
            from unnest($1::uuid[], $2::text[], $3::uuid[]) as n (t, s, u) where $4::bytea[] is not null and $6::timestamptz is not null",
        "insert into auth.account (user_id, email, email_key, name, password_hash, verified_at, created_at) \
            select u, s || '@example.test', s || '@example.test', s, '$argon2id$none', $5, $5 \
            from unnest($2::text[], $3::uuid[]) as n (s, u) \
            where $1::uuid[] is not null and $4::bytea[] is not null and $6::timestamptz is not null",
        "insert into auth.session (id, user_id, token_hash, created_at, expires_at, last_seen_at, proved_at, remembered, methods) \
            select gen_random_uuid(), u, h, $5, $6, $5, $5, false, '{password}' from unnest($3::uuid[], $4::bytea[]) as n (u, h) \
            where $1::uuid[] is not null and $2::text[] is not null",
        "insert into billing.tenant_plan (tenant_id, plan, since) select t, 'team', $5 from unnest($1::uuid[]) as n (t) \
            where $2::text[] is not null and $3::uuid[] is not null and $4::bytea[] is not null and $6::timestamptz is not null",
    ] {
        let query = sqlx::query(statement).bind(&ids).bind(&slugs).bind(&users).bind(&hashes).bind(now).bind(now + TimeDelta::hours(24));
        query.execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(tenants)
}

/// Gives each tenant's person so many sessions more; their cookies, tenant by tenant.
pub(crate) async fn sessions(superuser: &str, tenants: &[Tenant], each: usize) -> Outcome<Vec<String>> {
    let now = Clock::system().now();
    let tokens: Vec<Token> = (0..tenants.len() * each).map(|_| Token::generate()).collect();
    let ids: Vec<Uuid> = tenants.iter().flat_map(|tenant| std::iter::repeat_n(tenant.id, each)).collect();
    let hashes: Vec<Vec<u8>> = tokens.iter().map(|token| token.hash().as_bytes().to_vec()).collect();
    let mut connection = PgConnection::connect(superuser).await?;
    sqlx::query(
        "insert into auth.session (id, user_id, token_hash, created_at, expires_at, last_seen_at, proved_at, remembered, methods) \
        select gen_random_uuid(), user_id, hash, $3, $4, $3, $3, false, '{password}' \
        from unnest($1::uuid[], $2::bytea[]) as n (tenant, hash) join core.member on tenant_id = tenant",
    )
    .bind(ids)
    .bind(hashes)
    .bind(now)
    .bind(now + TimeDelta::hours(24))
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    Ok(tokens.iter().map(cookie).collect())
}

fn cookie(token: &Token) -> String {
    format!("__Host-session={}", token.text().expose())
}

/// Gives each tenant an agent with so many devices, found in one sweep.
pub(crate) async fn agents_with_devices(superuser: &str, tenants: &[Tenant], devices: u32) -> Outcome<()> {
    let mut connection = bulk(superuser).await?;
    for tenant in tenants {
        let agent = Uuid::now_v7();
        sqlx::query(
            "insert into data.agent (tenant_id, id, workspace_id, name, key_id, state, created_by, created_at, last_seen_at) \
            select $1, $2, $1, 'Main office', $3, 'connected', user_id, $4, $4 from core.member where tenant_id = $1",
        )
        .bind(tenant.id)
        .bind(agent)
        .bind(Uuid::now_v7())
        .bind(Clock::system().now())
        .execute(&mut connection)
        .await?;
        insert_devices(&mut connection, tenant.id, agent, devices).await?;
    }
    settle(connection).await
}

/// Gives an agent that is there so many devices.
pub(crate) async fn devices_of(superuser: &str, agents: &[(Uuid, Uuid)], devices: u32) -> Outcome<()> {
    let mut connection = bulk(superuser).await?;
    for (tenant, agent) in agents {
        insert_devices(&mut connection, *tenant, *agent, devices).await?;
    }
    settle(connection).await
}

/// What is inserted is consistent by construction, so foreign keys need not be checked a million times.
async fn bulk(superuser: &str) -> Outcome<PgConnection> {
    let mut connection = PgConnection::connect(superuser).await?;
    sqlx::raw_sql("set session_replication_role = replica; set synchronous_commit = off").execute(&mut connection).await?;
    Ok(connection)
}

async fn settle(mut connection: PgConnection) -> Outcome<()> {
    sqlx::raw_sql("vacuum (analyze) data.device").execute(&mut connection).await?;
    sqlx::raw_sql("vacuum (analyze) data.agent").execute(&mut connection).await?;
    sqlx::raw_sql("analyze").execute(&mut connection).await?;
    sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

async fn insert_devices(connection: &mut PgConnection, tenant: Uuid, agent: Uuid, devices: u32) -> Outcome<()> {
    let now = Clock::system().now();
    // The ids ascend, as those of version 7 do; their beginning is the agent's own.
    let beginning = &agent.simple().to_string()[16..];
    sqlx::query(
        "insert into data.device (tenant_id, id, agent_id, address, mac, hostname, found_by, state, since_at, checked_at, latency_us, \
            created_at) \
        select $1, ($5 || lpad(to_hex(n), 16, '0'))::uuid, $2, '10.0.0.0'::inet + n, \
            '02:00:00:' || substr(h, 1, 2) || ':' || substr(h, 3, 2) || ':' || substr(h, 5, 2), 'host-' || n || '.example.test', \
            '{icmp,tcp}', case when n % 10 = 0 then 'down' else 'up' end, $3, $3, case when n % 10 = 0 then null else 200 + n % 5000 end, $3 \
        from generate_series(1, $4) as n cross join lateral (select lpad(to_hex(n), 6, '0') as h) as hex",
    )
    .bind(tenant)
    .bind(agent)
    .bind(now)
    .bind(i32::try_from(devices)?)
    .bind(beginning)
    .execute(connection)
    .await?;
    Ok(())
}
