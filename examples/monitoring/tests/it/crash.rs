//! Bad luck: a server that is killed, a database that goes away, settings that are wrong.

mod database_lost;
mod killed;
pub(crate) mod outside;
mod revoked;
mod start;

/// Rounds of a test that finds by chance: few in a usual run, many with `SAAS_FULL=1`.
fn rounds(few: usize, many: usize) -> usize {
    if std::env::var_os("SAAS_FULL").is_some_and(|value| value == "1") { many } else { few }
}
