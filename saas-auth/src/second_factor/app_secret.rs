use std::fmt;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use saas_core::{MasterKey, OpenError, Purpose, UserId};
use totp_rs::{Builder, Totp};
use uuid::Uuid;
use zeroize::Zeroizing;

/// What secrets of authenticator apps are sealed under.
const SECRETS: Purpose = Purpose::new("auth authenticator secrets");

/// As long as the hash that codes are made with (RFC 4226, section 4).
const BYTES: usize = 20;

/// How long a code is the one that the app shows, in seconds.
const STEP: u64 = 30;

/// How many codes before and after that one are taken: clocks differ, and typing takes time.
const SKEW: u16 = 1;

/// What apps do not read as it stands: all but the unreserved (RFC 3986, section 2.3).
const NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secret that an authenticator app and the account share.
///
/// SHA-1, six digits and 30 seconds are what every app makes; several ignore what else is asked of them.
pub(super) struct AppSecret(Zeroizing<Vec<u8>>);

impl AppSecret {
    pub(super) fn generate() -> Self {
        Self(Zeroizing::new(rand::random::<[u8; BYTES]>().to_vec()))
    }

    /// For the row of that id and account alone.
    pub(super) fn seal(&self, keys: &MasterKey, id: Uuid, user: UserId) -> Vec<u8> {
        keys.seal(SECRETS, &place(id, user), &self.0)
    }

    pub(super) fn open(keys: &MasterKey, id: Uuid, user: UserId, sealed: &[u8]) -> Result<Self, OpenError> {
        keys.open(SECRETS, &place(id, user), sealed).map(Self)
    }

    /// The step of a code, if it is one of those that are taken at that time.
    pub(super) fn step(&self, code: &str, at: DateTime<Utc>) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        self.totp().check(&code, seconds(at)).and_then(|step| i64::try_from(step).ok())
    }

    /// The last step of which a code is taken at that time.
    pub(super) fn last_step(at: DateTime<Utc>) -> i64 {
        i64::try_from(seconds(at) / STEP + u64::from(SKEW)).unwrap_or(i64::MAX)
    }

    /// As somebody types it into an app.
    pub(super) fn text(&self) -> String {
        self.totp().secret().to_base32()
    }

    /// As an app reads it from a picture; it shows the two names.
    pub(super) fn url(&self, issuer: &str, account: &str) -> String {
        let [issuer, account] = [issuer, account].map(|name| utf8_percent_encode(name, NAMES));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.text())
    }

    fn totp(&self) -> Totp {
        let builder = Builder::new().with_secret(self.0.as_slice()).with_digits(6).with_step_duration(STEP).with_skew(SKEW);
        // What would not comply is constant.
        builder.build_noncompliant()
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

fn place(id: Uuid, user: UserId) -> Vec<u8> {
    format!("auth.authenticator/secret/{id}/{user}").into_bytes()
}

fn seconds(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, for SHA-1: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = AppSecret(Zeroizing::new(b"12345678901234567890".to_vec()));
        for (at, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let at = DateTime::from_timestamp(at, 0).unwrap();
            assert_eq!(secret.step(code, at), Some(at.timestamp() / 30), "{code}");
            assert_eq!(secret.step(&format!(" {} {} ", &code[..3], &code[3..]), at), Some(at.timestamp() / 30), "as apps show it");
        }
        for wrong in ["", "28708", "2870820", "94287082", "28708２", "287O82"] {
            assert_eq!(secret.step(wrong, DateTime::from_timestamp(59, 0).unwrap()), None, "{wrong:?}");
        }
    }

    /// ASVS 6.5.5.
    #[test]
    fn a_code_is_taken_one_step_before_and_after_its_own_and_no_more() {
        let secret = AppSecret(Zeroizing::new(b"12345678901234567890".to_vec()));
        let step = |at| secret.step("005924", DateTime::from_timestamp(at, 0).unwrap());
        let own = 1_234_567_890 / 30;
        let [first, last] = [(own - 1) * 30, (own + 2) * 30 - 1];
        assert_eq!(
            [step(first - 1), step(first), step(own * 30), step(last), step(last + 1)],
            [None, Some(own), Some(own), Some(own), None]
        );
        assert_eq!(AppSecret::last_step(DateTime::from_timestamp(first, 0).unwrap()), own);
    }

    #[test]
    fn a_sealed_secret_opens_in_its_own_row_alone() {
        let (keys, id, user) = (MasterKey::generate(), Uuid::now_v7(), UserId::new());
        let secret = AppSecret::generate();
        let sealed = secret.seal(&keys, id, user);
        assert_eq!(AppSecret::open(&keys, id, user, &sealed).unwrap().text(), secret.text());
        assert!(AppSecret::open(&keys, Uuid::now_v7(), user, &sealed).is_err());
        assert!(AppSecret::open(&keys, id, UserId::new(), &sealed).is_err());
        assert!(AppSecret::open(&MasterKey::generate(), id, user, &sealed).is_err());
    }

    #[test]
    fn an_app_reads_the_product_and_the_account() {
        let secret = AppSecret(Zeroizing::new(b"12345678901234567890".to_vec()));
        let url: url::Url = secret.url("Acme: Watch", "ada+1@example.com").parse().unwrap();
        assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")));
        let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!(query("secret").as_deref(), Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        assert_eq!(query("issuer").as_deref(), Some("Acme: Watch"));
        assert!(!url.as_str().contains('+'), "apps read it as it stands: {url}");
    }
}
