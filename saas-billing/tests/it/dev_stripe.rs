//! The stand-in for Stripe, asked over HTTP as a client of Stripe's asks.

mod api;
mod buying;
pub(crate) mod client;
mod departure;
mod hooks;
mod pages;
