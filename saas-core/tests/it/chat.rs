//! Chat channels: who runs them, what arrives where, and what becomes of it when the receiver or we fail (NOT-05).

mod conforms;
mod failing;
mod hidden;
mod inside;
mod managing;
mod scene;
mod sending;
