//! Browsers that somebody has signed in with before: whoever guesses an account's password from elsewhere does not lock them out.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use saas_core::{Declares, MasterKey, Problem, Purpose, UserId};
use uuid::Uuid;

/// What the cookies are signed with.
const KNOWN: Purpose = Purpose::new("auth known devices");

/// A browser that an account was not signed in to for so long is unknown again.
const LIFETIME: TimeDelta = TimeDelta::days(365);

/// More accounts than people sign in to with one browser.
const MOST: usize = 20;

const ID_BYTES: usize = 16;
const TIME_BYTES: usize = 8;

/// Makes browsers known to accounts, by a signed cookie for each account.
///
/// # Security
///
/// It is no credential: it only keeps what others guess from counting here, and what is guessed here counts for it alone.
#[derive(Clone)]
pub(crate) struct KnownDevices {
    keys: MasterKey,
    is_secure: bool,
}

/// A browser that one account knows. Another account in the same browser knows it by another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device(Uuid);

impl Device {
    fn new() -> Self {
        Self(Uuid::from_bytes(rand::random()))
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a request says about accounts that know its browser. Nothing of it is believed yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeviceCookies(Vec<(String, Vec<u8>)>);

impl<S: Send + Sync> FromRequestParts<S> for DeviceCookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers))
    }
}

impl Declares for DeviceCookies {}

impl DeviceCookies {
    fn read(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(Cookie::split_parse);
        let known = cookies.filter_map(|cookie| {
            let cookie =
                cookie.ok().filter(|cookie| [true, false].into_iter().any(|is_secure| cookie.name().starts_with(prefix(is_secure))))?;
            Some((cookie.name().to_owned(), URL_SAFE_NO_PAD.decode(cookie.value()).ok()?))
        });
        Self(known.take(MOST).collect())
    }
}

/// Another name without TLS, so that a cookie which was sent in the clear is never taken for a protected one.
const fn prefix(is_secure: bool) -> &'static str {
    if is_secure { "__Host-known-" } else { "lan-known-" }
}

impl KnownDevices {
    pub(crate) fn new(keys: MasterKey, is_secure: bool) -> Self {
        Self { keys, is_secure }
    }

    /// The device that this account knows, if the request comes from one. Two cookies of the name mean that somebody planted one: neither is
    /// believed.
    pub(crate) fn find(&self, cookies: &DeviceCookies, user: UserId, now: DateTime<Utc>) -> Option<Device> {
        let name = self.name(user);
        let mut values = cookies.0.iter().filter(|(of, _)| *of == name).map(|(_, value)| value);
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (device, rest) = value.split_first_chunk::<ID_BYTES>()?;
        let (at, signature) = rest.split_first_chunk::<TIME_BYTES>()?;
        let since = DateTime::from_timestamp(i64::from_be_bytes(*at), 0)?;
        let is_signed = self.keys.signed(KNOWN, &message(user, device, at), signature);
        (is_signed && now < since + LIFETIME).then(|| Device(Uuid::from_bytes(*device)))
    }

    /// The cookie that makes a browser known to the account from now on: under the id that it had, or a new one.
    pub(crate) fn cookie(&self, device: Option<Device>, user: UserId, now: DateTime<Utc>) -> Result<HeaderValue, Problem> {
        let (device, at) = (device.unwrap_or_else(Device::new).0.into_bytes(), now.timestamp().to_be_bytes());
        let signature = self.keys.sign(KNOWN, &message(user, &device, &at));
        let value = URL_SAFE_NO_PAD.encode([device.as_slice(), &at, &signature].concat());
        let cookie = Cookie::build((self.name(user), value)).path("/").http_only(true).secure(self.is_secure).same_site(SameSite::Lax);
        let cookie = cookie.max_age(cookie::time::Duration::seconds(LIFETIME.num_seconds())).build();
        HeaderValue::try_from(cookie.to_string()).map_err(Problem::internal)
    }

    fn name(&self, user: UserId) -> String {
        format!("{}{}", prefix(self.is_secure), Uuid::from(user).simple())
    }
}

fn message(user: UserId, device: &[u8; ID_BYTES], at: &[u8; TIME_BYTES]) -> Vec<u8> {
    [Uuid::from(user).as_bytes().as_slice(), device, at].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(cookies: &[&str]) -> DeviceCookies {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        DeviceCookies::read(&headers)
    }

    #[test]
    fn a_device_is_known_to_its_account_alone_for_a_year_and_only_as_it_was_signed() {
        let now: DateTime<Utc> = "2026-03-01T09:00:00Z".parse().unwrap();
        let devices = KnownDevices::new(MasterKey::generate(), true);
        let (ada, eve) = (UserId::new(), UserId::new());
        let (adas, eves) = (Device::new(), Device::new());
        let pair = |device, user| devices.cookie(Some(device), user, now).unwrap().to_str().unwrap().split(';').next().unwrap().to_owned();
        let (of_ada, of_eve) = (pair(adas, ada), pair(eves, eve));
        let both = carried(&[&format!("a=b; {of_ada}"), &of_eve]);
        assert_eq!((devices.find(&both, ada, now), devices.find(&both, eve, now)), (Some(adas), Some(eves)));
        assert_eq!(devices.find(&both, UserId::new(), now), None);
        assert_eq!(devices.find(&both, ada, now + LIFETIME - TimeDelta::seconds(1)), Some(adas));
        assert_eq!(devices.find(&both, ada, now + LIFETIME), None);

        let (_, value) = of_eve.split_once('=').unwrap();
        let stolen = carried(&[&format!("{}={value}", devices.name(ada))]);
        assert_eq!(devices.find(&stolen, ada, now), None, "one account's is not another's");
        assert_eq!(devices.find(&carried(&[&of_ada, &of_ada]), ada, now), None, "of two neither is believed");
        let (head, tail) = of_ada.split_at(of_ada.len() - 10);
        let (bad, last) = (if tail.starts_with('A') { "B" } else { "A" }, &tail[1..]);
        assert_eq!(devices.find(&carried(&[&format!("{head}{bad}{last}")]), ada, now), None, "another signature");
        assert_eq!(devices.find(&carried(&[&of_ada[..60]]), ada, now), None);
        let elsewhere = KnownDevices::new(MasterKey::generate(), true);
        assert_eq!(elsewhere.find(&both, ada, now), None, "signed with another key");
        let in_the_clear = KnownDevices::new(devices.keys.clone(), false);
        assert_eq!(in_the_clear.find(&both, ada, now), None, "another name without TLS");
    }
}
