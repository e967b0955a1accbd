//! Against what a wrong password counts, and so whom it keeps from trying.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use saas_core::{ClientAddress, DbError, SystemTx, Token, UserId, limit::Network};

use super::bound_token::{BoundToken, bound_token_holds_in};
use crate::{Auth, Email, attempt::Attempts, mail::hex, session::DeviceCookies};

/// Somebody who wants to sign in, before anything is believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) email: &'a Email,
    pub(super) user: Option<UserId>,
    pub(super) address: Option<IpAddr>,
    pub(super) cookies: &'a DeviceCookies,
    pub(super) link: Option<&'a Token>,
}

/// What a wrong password counts against.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) attempts: Attempts,
    /// Whether it is open because of a mailed link.
    pub(super) is_by_link: bool,
}

impl Lane {
    /// The narrowest lane that is open, or until when none is.
    ///
    /// * With a link from a mail, wrong passwords count against the link.
    /// * In a browser that has signed in before, against that browser.
    /// * Otherwise against the account, and against the network that they come from.
    ///
    /// So nobody who guesses elsewhere closes the first two, and the right password with a mailed link always passes (design 12.24).
    pub(super) async fn find_in(tx: &mut SystemTx, auth: &Auth, claim: Claim<'_>) -> Result<Result<Self, DateTime<Utc>>, DbError> {
        let (limit, now) = (auth.sign_in_limit(), tx.now());
        // Without an account it is nobody's browser and nobody's link, after the same work.
        let user = claim.user.unwrap_or_default();
        if let Some(link) = claim.link
            && bound_token_holds_in(tx, BoundToken::SignIn, link, user).await?
        {
            let attempts = auth.attempts("sign-in link", hex(&link.hash()), limit);
            if attempts.refused_until_in(tx).await?.is_none() {
                return Ok(Ok(Self { attempts, is_by_link: true }));
            }
        }
        if let Some(device) = auth.devices().find(claim.cookies, user, now) {
            let attempts = auth.attempts("sign-in device", device, limit);
            if attempts.refused_until_in(tx).await?.is_none() {
                return Ok(Ok(Self { attempts, is_by_link: false }));
            }
        }
        let account = auth.attempts("sign-in account", claim.email.key(), limit);
        let attempts = match claim.address {
            Some(address) => account.and(auth.attempts("sign-in network", Network::from(ClientAddress(address)), limit)),
            None => account,
        };
        Ok(match attempts.refused_until_in(tx).await? {
            Some(until) => Err(until),
            None => Ok(Self { attempts, is_by_link: false }),
        })
    }
}
