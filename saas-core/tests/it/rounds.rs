//! How often tests repeat something. A run has the reduced numbers; with `SAAS_FULL=1` it has the full ones.

/// Transactions of two tenants that take turns on one connection (T25).
pub(crate) const TURNS: Rounds = Rounds { reduced: 1_000, full: 10_000 };
/// Transactions at once (T34).
pub(crate) const CROWD: Rounds = Rounds { reduced: 1_000, full: 1_000 };
/// How often two owners demote each other (T72).
pub(crate) const DEMOTIONS: Rounds = Rounds { reduced: 25, full: 250 };
/// Entries of an audit chain of which each is changed once: as many verifications, each of those up to it.
pub(crate) const EACH: Rounds = Rounds { reduced: 300, full: 1_000 };
/// Entries of an audit chain that is tampered with at many places.
pub(crate) const CHAIN: Rounds = Rounds { reduced: 300, full: 10_000 };
/// Times that the sessions of a worker are ended while it works.
pub(crate) const RELAY_KILLS: Rounds = Rounds { reduced: 30, full: 300 };
/// Restarts of the server under load.
pub(crate) const RESTARTS: Rounds = Rounds { reduced: 2, full: 10 };

/// Jobs that take effect once (J4).
pub(crate) const JOBS: Rounds = Rounds { reduced: 2_000, full: 10_000 };
/// Five hundred jobs each, one after the other, of which nothing may be left (J8).
pub(crate) const JOB_BATCHES: Rounds = Rounds { reduced: 8, full: 2_000 };
/// Times that a node is killed while it works on jobs (J1).
pub(crate) const JOB_KILLS: Rounds = Rounds { reduced: 5, full: 1_000 };
/// Times that a node is killed in the middle of what follows from events.
pub(crate) const NODE_KILLS: Rounds = Rounds { reduced: 6, full: 100 };
/// Letters that wait in the outbox (topic 4).
pub(crate) const LETTERS: Rounds = Rounds { reduced: 200, full: 10_000 };

#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    reduced: usize,
    full: usize,
}

impl Rounds {
    pub(crate) fn number(self) -> usize {
        if std::env::var_os("SAAS_FULL").is_some_and(|value| value == "1") { self.full } else { self.reduced }
    }
}
