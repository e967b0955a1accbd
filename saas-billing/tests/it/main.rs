//! Limits, on a real PostgreSQL as the application's own login.

#[cfg(test)]
mod limits;
