//! Tests of this crate from outside, on a real PostgreSQL as the application's own logins.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod borrower;
#[cfg(test)]
mod cancel;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod context;
#[cfg(test)]
mod database;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod download;
#[cfg(test)]
mod entered;
#[cfg(test)]
mod events;
#[cfg(test)]
mod files;
#[cfg(test)]
mod happening;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod last_owner;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod live;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod pooler;
#[cfg(test)]
mod program;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod push;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod silent;
#[cfg(test)]
mod ssrf;
#[cfg(test)]
mod status;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod test_database;
#[cfg(test)]
mod undelivered;
#[cfg(test)]
mod web;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod works;
