//! Accounts elsewhere, from our side: where they are, how their providers are spoken to, and what of their words is believed.

mod apple;
mod claimed;
mod client;
mod config;
#[cfg(feature = "dev-oidc")]
mod dev;
mod discovery;
mod error;
mod es256;
mod exchange;
mod github;
mod id_token;

pub use apple::AppleKey;
pub(crate) use claimed::{Claimed, Trust};
pub(crate) use client::{Asked, ProviderClient};
pub use config::{Provider, ProviderFlaw};
#[cfg(feature = "dev-oidc")]
pub use dev::DevProvider;
pub(crate) use error::ProviderError;
