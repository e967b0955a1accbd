//! Organizations and members, over HTTP and on a real PostgreSQL as the application's own login.

mod app;
mod members;
mod organizations;
mod resolution;
