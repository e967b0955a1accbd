//! How often tests repeat something. A run has the reduced numbers; with `SAAS_FULL=1` it has the full ones.

/// Transactions of two tenants that take turns on one connection (T25).
pub(crate) const TURNS: Rounds = Rounds { reduced: 1_000, full: 10_000 };
/// Transactions at once (T34).
pub(crate) const CROWD: Rounds = Rounds { reduced: 1_000, full: 1_000 };
/// How often two owners demote each other (T72).
pub(crate) const DEMOTIONS: Rounds = Rounds { reduced: 25, full: 250 };
/// Restarts of the server under load.
pub(crate) const RESTARTS: Rounds = Rounds { reduced: 2, full: 10 };

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
