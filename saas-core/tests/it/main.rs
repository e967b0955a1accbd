//! Tests of this crate from outside, on a real PostgreSQL as the application's own logins.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod database;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod download;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod program;
#[cfg(test)]
mod test_database;
#[cfg(test)]
mod web;
