//! The rows: tenants, each with people who are signed in, an agent and its devices.

use saas_core::{Clock, Token};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::Outcome;

/// A tenant and how its people are recognized.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    /// The cookies of their sessions.
    pub(crate) cookies: Vec<String>,
}

/// Makes tenants, each with so many owners, who are signed in. Their plan allows them agents.
pub(crate) async fn tenants(superuser: &str, name: &str, count: u32, people: u32) -> Outcome<Vec<Tenant>> {
    let now = Clock::system().now();
    let mut connection = PgConnection::connect(superuser).await?;
    let mut tenants = Vec::new();
    for number in 0..count {
        let mut tenant = Tenant { id: Uuid::now_v7(), cookies: Vec::new() };
        let slug = format!("{name}-{number}");
        sqlx::query(
            "with tenant as (insert into core.tenant (id, slug, name, created_at) values ($1, $2, $2, $3)) \
            insert into billing.tenant_plan (tenant_id, plan, since) values ($1, 'team', $3)",
        )
        .bind(tenant.id)
        .bind(&slug)
        .bind(now)
        .execute(&mut connection)
        .await?;
        for person in 0..people {
            let token = Token::generate();
            sqlx::query(
                "with person as (insert into core.user (id, created_at) values ($1, $2)), \
                account as (insert into auth.account (user_id, email, email_key, name, password_hash, verified_at, created_at) \
                    values ($1, $3, $3, $3, '$argon2id$none', $2, $2)), \
                session as (insert into auth.session (id, user_id, token_hash, created_at, expires_at, last_seen_at, remembered) \
                    values ($4, $1, $5, $2, $2 + interval '1 day', $2, false)) \
                insert into core.member (tenant_id, user_id, role, name, email, joined_at) values ($6, $1, 'owner', $3, $3, $2)",
            )
            .bind(Uuid::now_v7())
            .bind(now)
            .bind(format!("person-{person}@{slug}.test"))
            .bind(Uuid::now_v7())
            .bind(token.hash().as_bytes())
            .bind(tenant.id)
            .execute(&mut connection)
            .await?;
            tenant.cookies.push(format!("__Host-session={}", token.text().expose()));
        }
        tenants.push(tenant);
    }
    connection.close().await?;
    Ok(tenants)
}

/// Gives each tenant an agent with so many devices, found in one sweep.
pub(crate) async fn agents_with_devices(superuser: &str, tenants: &[Tenant], devices: u32) -> Outcome<()> {
    let mut connection = bulk(superuser).await?;
    for tenant in tenants {
        let agent = Uuid::now_v7();
        sqlx::query(
            "insert into data.agent (tenant_id, id, name, key_id, state, created_by, created_at, last_seen_at) \
            select $1, $2, 'Main office', $3, 'connected', user_id, $4, $4 from core.member where tenant_id = $1 limit 1",
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
    // The ids ascend, as those of version 7 do; their beginning is the tenant's own.
    let beginning = &tenant.simple().to_string()[16..];
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
