//! Databases, actors and checks for tests, an embedder's too.
//!
//! ```no_run
//! # async fn example() -> Result<(), saas_core::testing::TestDatabaseError> {
//! let test = saas_core::testing::TestDb::new(&[]).await?;
//! let tenant = test.tenant("acme").await;
//! let mut tx = test.db.tenant(tenant).begin().await.unwrap();
//! # Ok(())
//! # }
//! ```

mod app;
mod channel;
pub mod database;
mod db;
pub mod isolation;
mod limit;
mod mail;
mod pooler;
mod redis;

pub use app::{Answer, TestApp, TestClient};
pub use channel::channel_conforms;
pub use database::{EmptyDatabase, TestDatabase, TestDatabaseError};
pub use db::TestDb;
pub use limit::rate_limit_store_conforms;
pub use mail::{Arrived, deliver, mailer_conforms, sample_mail};
pub use pooler::Pooler;
pub use redis::RedisServer;
