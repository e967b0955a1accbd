//! Who is asking, and what it costs to find out: requests with a session, a key and a token; signing in; what the time of an answer gives away.

mod requests;
mod sign_in;
mod timing;

use saas_core::dev::DevDatabase;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::{
    Outcome,
    cluster::Cluster,
    data::{self, Tenant},
    http::{call, request},
    plan::Plan,
    server::{self, Product, Server},
};

pub(crate) use requests::measure as measure_requests;
pub(crate) use sign_in::measure as measure_sign_in;
pub(crate) use timing::measure as measure_timing;

/// What everybody's password is.
const PASSWORD: &str = "quiet river under glass";

pub(crate) struct Identity {
    product: Server,
    tenants: Vec<Tenant>,
    database: DevDatabase,
    postmaster: u32,
}

impl Identity {
    pub(crate) async fn start(cluster: &Cluster, plan: &Plan) -> Outcome<Self> {
        let (folder, database) = (cluster.folder("servers")?, cluster.database("bench_identity").await?);
        let logins = server::migrate(database.url(), &folder).await?;
        let tenants = data::tenants(database.superuser_url(), "who", plan.tenants).await?;
        let product = Product { name: "identity", folder: &folder, logins: Some(&logins), pool: plan.pool, log: None };
        let product = Server::product(product).await?;
        let it = Self { product, tenants, database, postmaster: cluster.postmaster()? };
        it.give_passwords().await?;
        Ok(it)
    }

    /// Somebody signs up, and everybody gets the hash of that password: a hash takes longer than all else that is arranged.
    async fn give_passwords(&self) -> Outcome<()> {
        let account = json!({ "name": "First", "email": "first@example.test", "password": PASSWORD });
        self.post("/api/v1/auth/sign-up", &[], &account).await?;
        let mut connection = PgConnection::connect(self.database.superuser_url()).await?;
        let given = sqlx::query(
            "update auth.account set password_hash = (select password_hash from auth.account where email = 'first@example.test') \
            where email <> 'first@example.test'",
        );
        given.execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// So many accounts whose addresses begin with `name` and a number.
    async fn accounts(&self, name: &str, count: usize) -> Outcome<()> {
        let mut connection = PgConnection::connect(self.database.superuser_url()).await?;
        sqlx::query(
            "with made as (insert into core.user (id, created_at) select gen_random_uuid(), now() from generate_series(1, $2) returning id), \
            numbered as (select id, row_number() over () - 1 as n from made), \
            hash as (select password_hash from auth.account where email = 'first@example.test') \
            insert into auth.account (user_id, email, email_key, name, password_hash, verified_at, created_at) \
            select id, $1 || n || '@example.test', $1 || n || '@example.test', 'Known', password_hash, now(), now() from numbered, hash",
        )
        .bind(name)
        .bind(i32::try_from(count)?)
        .execute(&mut connection)
        .await?;
        Ok(connection.close().await?)
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Outcome<Value> {
        let headers = [headers, &[("sec-fetch-site", "same-origin")]].concat();
        call(self.product.address, &request("POST", path, &headers, body.to_string().as_bytes())).await
    }
}
