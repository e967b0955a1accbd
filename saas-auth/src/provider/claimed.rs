use serde::{Deserialize, Serialize};

use super::config::{Provider, Vouch};
use crate::{Email, refused};

/// Who a provider says that somebody is.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// Their address, and what is believed of it.
    pub(crate) address: Option<(Email, Trust)>,
    pub(crate) name: Option<String>,
}

/// What a provider says, as it says it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) email: Option<String>,
    pub(super) is_verified: bool,
    /// The domain of which it says that it runs its mail.
    pub(super) hosted: Option<String>,
    pub(super) name: Option<String>,
}

/// What it says where it is asked with the token that it gave out (OpenID Connect Core 1.0, section 5.3).
#[derive(Debug, Deserialize)]
pub(super) struct UserInfo {
    pub(super) sub: String,
    email: Option<String>,
    email_verified: Option<Flag>,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
}

/// Yes or no, in any of the ways in which it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Flag {
    Bool(bool),
    Number(i64),
    Text(String),
}

impl Flag {
    pub(super) fn is_set(&self) -> bool {
        match self {
            Self::Bool(flag) => *flag,
            Self::Number(number) => *number == 1,
            Self::Text(text) => text == "1" || text.eq_ignore_ascii_case("true"),
        }
    }
}

/// The parts of a name as one.
pub(super) fn joined(given: Option<&str>, family: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = [given, family].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

impl Said {
    /// Adds what was said elsewhere of the same person.
    pub(super) fn and(self, provider: &Provider, info: UserInfo) -> Self {
        let is_verified = provider.vouch == Vouch::Verified && info.email_verified.is_some_and(|flag| flag.is_set());
        let parts = joined(info.given_name.as_deref(), info.family_name.as_deref());
        Self { email: info.email, is_verified, name: self.name.or(info.name).or(parts), ..self }
    }

    pub(super) fn claimed(self, provider: &Provider) -> Claimed {
        let email: Option<Email> = self.email.and_then(|email| email.parse().ok());
        let address = email.map(|email| {
            let trust = Trust::of(provider, &email, self.is_verified, self.hosted.as_deref());
            (email, trust)
        });
        Claimed { issuer: self.issuer, subject: self.subject, address, name: self.name }
    }
}

/// What is believed of an address that a provider names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trust {
    /// Nothing.
    Claimed,
    /// Somebody has shown there that it is theirs, once.
    Verified,
    /// The provider hands it out itself.
    Authoritative,
}

impl Trust {
    /// `hosted` is the domain of which the provider says that it runs its mail.
    pub(super) fn of(provider: &Provider, email: &Email, is_verified: bool, hosted: Option<&str>) -> Self {
        let domain = email.key().rsplit_once('@').map_or("", |(_, domain)| domain);
        let is_hosted = provider.hosts_domains && hosted.is_some_and(|hosted| hosted.eq_ignore_ascii_case(domain));
        match is_verified {
            false => Self::Claimed,
            true if is_hosted || provider.authority.iter().any(|own| own == domain) => Self::Authoritative,
            true => Self::Verified,
        }
    }
}

impl Claimed {
    /// What they are to be called here: what the provider calls them, or what stands before the at sign.
    pub(crate) fn called(&self) -> String {
        let words = self.name.as_deref().map(|name| name.chars().filter(|c| !c.is_control()).take(refused::NAME_MAX).collect::<String>());
        words.and_then(|name| refused::name(&name).ok()).unwrap_or_else(|| {
            let email = self.address.as_ref().map(|(email, _)| email.as_str()).unwrap_or_default();
            email.split('@').next().unwrap_or_default().to_owned()
        })
    }
}
