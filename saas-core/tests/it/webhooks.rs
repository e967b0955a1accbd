//! Outgoing webhooks: what arrives where, how it is signed, and what becomes of it when the receiver or we fail (API-04, topic 1).

mod api;
mod disable;
mod fair;
pub(crate) mod inside;
mod killed;
mod pages;
pub(crate) mod receiver;
mod retry;
mod scene;
mod sign;
mod verify;
