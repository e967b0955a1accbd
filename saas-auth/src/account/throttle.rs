//! Against what a wrong password counts, and so whom it keeps from trying.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use saas_core::{ClientAddress, DbError, SystemTx, UserId, limit::Network};

use crate::{Auth, Email, attempt::Attempts, session::DeviceCookies};

/// Somebody who wants to sign in, before anything is believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) email: &'a Email,
    pub(super) user: Option<UserId>,
    pub(super) address: Option<IpAddr>,
    pub(super) cookies: &'a DeviceCookies,
}

/// What a wrong password counts against, or until when none is tried: the narrowest that is open.
///
/// * In a browser that has signed in before, against that browser.
/// * Otherwise against the account, and against the network that it comes from.
///
/// So nobody who guesses elsewhere closes the first, and whoever is caught by the second has a mail sent (design 12.24).
pub(super) async fn attempts_open_in(tx: &mut SystemTx, auth: &Auth, claim: Claim<'_>) -> Result<Result<Attempts, DateTime<Utc>>, DbError> {
    let (limit, now) = (auth.sign_in_limit(), tx.now());
    // Without an account it is nobody's browser, after the same work.
    if let Some(device) = auth.devices().find(claim.cookies, claim.user.unwrap_or_default(), now) {
        let attempts = auth.attempts("sign-in device", device, limit);
        if attempts.refused_until_in(tx).await?.is_none() {
            return Ok(Ok(attempts));
        }
    }
    let account = auth.attempts("sign-in account", claim.email.key(), limit);
    let attempts = match claim.address {
        Some(address) => account.and(auth.attempts("sign-in network", Network::from(ClientAddress(address)), limit)),
        None => account,
    };
    Ok(attempts.refused_until_in(tx).await?.map_or(Ok(attempts), Err))
}
