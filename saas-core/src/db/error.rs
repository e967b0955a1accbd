use std::io;

/// A statement failed.
#[derive(Debug, thiserror::Error)]
#[error("the database refused a statement or did not answer")]
pub struct DbError(#[from] sqlx::Error);

impl DbError {
    /// The name of the constraint that was violated, if that was it. Map it to an error of the operation.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        self.0.as_database_error().and_then(sqlx::error::DatabaseError::constraint)
    }

    /// What the driver said.
    #[cfg(feature = "testing")]
    pub(crate) fn into_inner(self) -> sqlx::Error {
        self.0
    }

    /// The SQLSTATE of what the server said.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        self.0.as_database_error().and_then(sqlx::error::DatabaseError::code).map(Into::into)
    }

    /// Whether trying the whole transaction again may succeed: a serialization failure or a deadlock.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Whether the database is away, overloaded or going down, rather than in disagreement with us.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match &self.0 {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => true,
            sqlx::Error::Database(error) => {
                // Class 53: out of resources; 57P0x: shutting down; 08: connection; 57014: our own time limit.
                error
                    .code()
                    .is_some_and(|code| code.starts_with("53") || code.starts_with("57P") || code.starts_with("08") || code == "57014")
            }
            _ => false,
        }
    }

    /// Whether the row was not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.0, sqlx::Error::RowNotFound)
    }
}

impl From<io::Error> for DbError {
    fn from(error: io::Error) -> Self {
        Self(sqlx::Error::Io(error))
    }
}
