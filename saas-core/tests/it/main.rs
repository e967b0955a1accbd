//! Tests of this crate from outside, on a real PostgreSQL as the application's own logins.

mod database;
mod dev;
mod pages;
mod program;
mod test_database;
