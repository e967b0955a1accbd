use std::fmt;

use http::StatusCode;

/// What each route answered everybody: a line for each route, a column for each actor. Kept in a file and compared in a test, a route that
/// answers somebody otherwise is noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    actors: Vec<String>,
    rows: Vec<(String, Vec<StatusCode>)>,
}

impl Matrix {
    pub(super) fn new(actors: impl Iterator<Item = String>) -> Self {
        Self { actors: actors.collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, route: String) {
        self.rows.push((route, Vec::new()));
    }

    pub(super) fn cell(&mut self, status: StatusCode) {
        if let Some((_, cells)) = self.rows.last_mut() {
            cells.push(status);
        }
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:47}", "")?;
        self.actors.iter().try_for_each(|actor| write!(f, "{actor:>9}"))?;
        for (route, cells) in &self.rows {
            write!(f, "\n{route:47}")?;
            cells.iter().try_for_each(|status| write!(f, "{:>9}", status.as_u16()))?;
        }
        Ok(())
    }
}
