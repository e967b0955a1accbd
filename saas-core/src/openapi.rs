//! The OpenAPI document (3.1), made from the types of the handlers: nothing of it is written by hand but one sentence a route.
//!
//! Extractors say what they read ([`Declares::describe`](crate::Declares::describe)), what a handler returns says what it answers
//! ([`Answers`]), and [`finish`](crate::finish) puts it together.

mod answers;
mod document;
#[cfg(feature = "api-docs")]
mod explorer;
mod operation;
mod serve;

pub use answers::{Accepted, Answers, Created, Download, NoContent};
pub use document::Document;
pub use operation::Operation;
pub(crate) use serve::{Served, routes};
