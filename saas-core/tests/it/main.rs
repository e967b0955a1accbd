//! Tests of this crate from outside, on a real PostgreSQL as the application's own logins.

#[cfg(test)]
mod database;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod program;
#[cfg(test)]
mod test_database;
#[cfg(test)]
mod web;
