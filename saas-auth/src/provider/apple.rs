use chrono::{DateTime, TimeDelta, Utc};
use saas_core::Secret;
use serde_json::json;

use super::es256::Es256;

pub(super) const ISSUER: &str = "https://appleid.apple.com";

/// How long a client secret is good for; Apple takes up to six months.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// The key that Apple gives out to sign client secrets with.
#[derive(Debug, Clone)]
pub struct AppleKey {
    team: String,
    id: String,
    pem: Secret,
}

impl AppleKey {
    /// The team's id, the key's id and the content of its file (`AuthKey_….p8`).
    #[must_use]
    pub fn new(team: impl Into<String>, id: impl Into<String>, pem: Secret) -> Self {
        Self { team: team.into(), id: id.into(), pem }
    }

    pub(super) fn is_sound(&self) -> bool {
        !self.team.is_empty() && !self.id.is_empty() && Es256::from_pem(self.pem.expose()).is_some()
    }

    /// A client secret. None if the key is no key, which was looked at when the program started.
    pub(super) fn client_secret(&self, client_id: &str, now: DateTime<Utc>) -> Option<Secret> {
        let claims = json!({
            "iss": self.team,
            "iat": now.timestamp(),
            "exp": (now + LIFETIME).timestamp(),
            "aud": ISSUER,
            "sub": client_id,
        });
        Es256::from_pem(self.pem.expose()).map(|key| Secret::new(key.sign(&self.id, &claims)))
    }
}
