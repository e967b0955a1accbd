//! GitHub, which says by its API who somebody is.

use saas_core::{Outbound, Secret};
use serde::Deserialize;
use url::Url;

use super::{Claimed, ProviderError, Trust, config::Provider, discovery::fetch};
use crate::Email;

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Asks who the token is of. The address is the first one that they have there, and no other: of the rest GitHub does not say whether they are
/// still used.
pub(super) async fn claimed(
    outbound: &Outbound,
    provider: &Provider,
    web: &str,
    api: &str,
    access: &Secret,
) -> Result<Claimed, ProviderError> {
    let at = |path: &str| Url::parse(&format!("{api}{path}")).map_err(ProviderError::away);
    let user: User = fetch(outbound, &at("/user")?, Some(access)).await?;
    let addresses: Vec<Address> = fetch(outbound, &at("/user/emails")?, Some(access)).await?;
    let first = addresses.into_iter().find(|address| address.primary);
    let address = first.and_then(|first| {
        let email: Email = first.email.parse().ok()?;
        let trust = Trust::of(provider, &email, first.verified, None);
        Some((email, trust))
    });
    let name = user.name.filter(|name| !name.trim().is_empty()).or(Some(user.login));
    Ok(Claimed { issuer: web.to_owned(), subject: user.id.to_string(), address, name })
}
