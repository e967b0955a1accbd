//! Mail against a real server with faults (`mail/sink.py`) and a real database.

mod away;
mod desk;
mod letters;
mod mailbox;
mod outbox;
mod queue;
mod report;
mod sender;
pub(crate) mod sink;
mod smtp;
