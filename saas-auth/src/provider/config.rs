use saas_core::Secret;
use url::{Host, Url};
use uuid::Uuid;

use super::apple::AppleKey;

/// Somewhere where people have an account with which they can sign in here. A value.
///
/// ```
/// use saas_auth::Provider;
/// use saas_core::Secret;
///
/// let secret = || Secret::new("from the provider's console");
/// let google = Provider::google("our-id.apps.googleusercontent.com", secret());
/// let staff = Provider::oidc("staff", "https://id.example.com/realms/staff", "our-id", secret())
///     .label("Example staff")
///     .vouches_for_addresses()
///     .authoritative_for("example.com");
/// ```
///
/// # Security
///
/// An account elsewhere is recognized by its issuer and the issuer's name for it, and never by an address. What a provider says of an address
/// matters once, when somebody comes for the first time:
///
/// * Not confirmed, or by a provider that does not [vouch](Self::vouches_for_addresses) for addresses: it is asked in the mailbox, by a link that works
///   in the browser in which somebody came.
/// * Confirmed, and nobody has an account with it here: they get one.
/// * Confirmed, and there is an account: its owner signs in as they are used to and links the two, unless the provider is itself
///   [who hands out such addresses](Self::authoritative_for).
#[derive(Debug, Clone)]
pub struct Provider {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) client_id: String,
    pub(super) credential: Credential,
    pub(super) scopes: Vec<String>,
    pub(super) vouch: Vouch,
    pub(super) authority: Vec<String>,
    pub(super) hosts_domains: bool,
}

/// How a provider is spoken to.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// OpenID Connect.
    Oidc(Oidc),
    /// OAuth 2.0 and an API that says who it is.
    GitHub { web: String, api: String },
}

#[derive(Debug, Clone)]
pub(super) struct Oidc {
    /// What the discovery document stands below.
    pub(super) base: String,
    pub(super) issuer: Issuer,
    /// Where its parts are, if it is not asked for that.
    pub(super) endpoints: Option<Box<[Url; 3]>>,
}

/// Who signs tokens.
#[derive(Debug, Clone)]
pub(super) enum Issuer {
    One(String),
    /// One for each of its customers, whose id stands in the place of `{tenantid}`.
    PerTenant(String),
}

impl Issuer {
    /// Whether an answer of this issuer is the provider's.
    pub(super) fn is(&self, issuer: &str) -> bool {
        match self {
            Self::One(one) => one == issuer,
            Self::PerTenant(all) => all.split_once("{tenantid}").is_some_and(|(before, after)| {
                let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                tenant.is_some_and(|tenant| Uuid::parse_str(tenant).is_ok())
            }),
        }
    }
}

/// What we show to the provider.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    Secret(Secret),
    Apple(AppleKey),
}

/// What is believed of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vouch {
    Nothing,
    /// `email_verified`.
    Verified,
    /// `xms_edov`: that the domain is its owner's.
    DomainOwner,
}

/// Where all of Microsoft's customers sign in.
const MICROSOFT: &str = "https://login.microsoftonline.com";
/// Accounts of private persons, as a customer of Microsoft.
const MICROSOFT_CONSUMERS: &str = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";

impl Provider {
    /// Google. Authoritative for its own addresses and for those of companies that it hosts.
    #[must_use]
    pub fn google(client_id: impl Into<String>, client_secret: Secret) -> Self {
        let google = Self::oidc("google", "https://accounts.google.com", client_id, client_secret).label("Google").vouches_for_addresses();
        Self { hosts_domains: true, ..google }.authoritative_for("gmail.com").authoritative_for("googlemail.com")
    }

    /// Microsoft: one organization by its id, or `organizations`, `consumers` or `common` for all of them.
    ///
    /// # Security
    ///
    /// Anybody can have an organization there, and write any address into it. An address is believed if the token says that its domain belongs to
    /// the organization: add the optional claim `xms_edov` to the application's registration.
    #[must_use]
    pub fn microsoft(tenant: &str, client_id: impl Into<String>, client_secret: Secret) -> Self {
        let base = format!("{MICROSOFT}/{tenant}/v2.0");
        let issuer = match tenant {
            "common" | "organizations" => Issuer::PerTenant(format!("{MICROSOFT}/{{tenantid}}/v2.0")),
            "consumers" => Issuer::One(MICROSOFT_CONSUMERS.to_owned()),
            _ => Issuer::One(base.clone()),
        };
        let kind = Kind::Oidc(Oidc { base, issuer, endpoints: None });
        Self { kind, vouch: Vouch::DomainOwner, ..Self::oidc("microsoft", MICROSOFT, client_id, client_secret) }.label("Microsoft")
    }

    /// Apple. Its client secret is signed anew each time with the key that Apple gave out.
    #[must_use]
    pub fn apple(client_id: impl Into<String>, key: AppleKey) -> Self {
        let apple = Self::oidc("apple", super::apple::ISSUER, client_id, Secret::default()).label("Apple").vouches_for_addresses();
        let apple = Self { credential: Credential::Apple(key), ..apple }.scopes(["email", "name"]);
        ["icloud.com", "me.com", "mac.com", "privaterelay.appleid.com"].into_iter().fold(apple, Self::authoritative_for)
    }

    /// GitHub, which speaks OAuth 2.0 and says by its API who it is. Addresses that it calls verified are believed.
    #[must_use]
    pub fn github(client_id: impl Into<String>, client_secret: Secret) -> Self {
        let kind = Kind::GitHub { web: "https://github.com".to_owned(), api: "https://api.github.com".to_owned() };
        let github = Self { kind, ..Self::oidc("github", "https://github.com", client_id, client_secret) };
        github.label("GitHub").vouches_for_addresses().scopes(["read:user", "user:email"])
    }

    /// A GitHub Enterprise Server at this address.
    #[must_use]
    pub fn github_enterprise(address: &Url, client_id: impl Into<String>, client_secret: Secret) -> Self {
        let web = address.as_str().trim_end_matches('/').to_owned();
        Self { kind: Kind::GitHub { api: format!("{web}/api/v3"), web }, ..Self::github(client_id, client_secret) }
    }

    /// Any OpenID Connect provider. `name` stands in our addresses and settings: lower-case letters, digits and dashes. `issuer` is written as the
    /// provider writes it.
    #[must_use]
    pub fn oidc(name: &str, issuer: &str, client_id: impl Into<String>, client_secret: Secret) -> Self {
        let oidc = Oidc { base: issuer.to_owned(), issuer: Issuer::One(issuer.to_owned()), endpoints: None };
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            kind: Kind::Oidc(oidc),
            client_id: client_id.into(),
            credential: Credential::Secret(client_secret),
            scopes: ["email", "profile"].map(str::to_owned).to_vec(),
            vouch: Vouch::Nothing,
            authority: Vec::new(),
            hosts_domains: false,
        }
    }

    /// What people call it.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// What is asked for beside `openid`, in the place of what is asked for otherwise.
    #[must_use]
    pub fn scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), ..self }
    }

    /// What it says of addresses is true: `email_verified` means that somebody has shown that the address is theirs.
    #[must_use]
    pub fn vouches_for_addresses(self) -> Self {
        Self { vouch: Vouch::Verified, ..self }
    }

    /// It hands out the addresses of this domain, so whoever has one there is whoever has it here: their accounts are linked without asking.
    #[must_use]
    pub fn authoritative_for(mut self, domain: &str) -> Self {
        self.authority.push(domain.to_ascii_lowercase());
        self
    }

    /// Where its authorization, its tokens and its keys are, for a provider that publishes no document about itself.
    #[must_use]
    pub fn endpoints(mut self, authorization: Url, token: Url, keys: Url) -> Self {
        if let Kind::Oidc(oidc) = &mut self.kind {
            oidc.endpoints = Some(Box::new([authorization, token, keys]));
        }
        self
    }

    /// Whether it answers with a form of its own in the place of an address.
    pub(super) fn posts_its_answer(&self) -> bool {
        matches!(self.credential, Credential::Apple(_))
    }

    /// Whether it can be used as it is described.
    ///
    /// # Errors
    ///
    /// Fails if something is missing, or it would be spoken to in the clear.
    pub fn check(&self) -> Result<(), ProviderFlaw> {
        let is_name = (1..=32).contains(&self.name.len())
            && self.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_name {
            return Err(ProviderFlaw::Name(self.name.clone()));
        }
        let flaw = |what| Err(ProviderFlaw::Missing { provider: self.name.clone(), what });
        if self.client_id.is_empty() {
            return flaw("client id");
        }
        match &self.credential {
            Credential::Secret(secret) if secret.expose().is_empty() => return flaw("client secret"),
            Credential::Apple(key) if !key.is_sound() => return flaw("private key of the kind that Apple gives out"),
            _ => {}
        }
        let address = match &self.kind {
            Kind::Oidc(oidc) => &oidc.base,
            Kind::GitHub { web, .. } => web,
        };
        if is_protected(address) { Ok(()) } else { Err(ProviderFlaw::Address { provider: self.name.clone(), address: address.clone() }) }
    }
}

/// Whether what goes there is seen by nobody on the way: https, or this very machine.
fn is_protected(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let is_here = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    is_bare && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
}

/// A provider cannot be used as it is described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderFlaw {
    /// Its name does not fit into an address.
    #[error("{0:?} cannot name a provider: use 1 to 32 lower-case letters, digits and dashes")]
    Name(String),
    /// Two have the same name.
    #[error("two providers are called {0:?}")]
    Twice(String),
    /// Something is missing.
    #[error("the provider {provider} has no {what}")]
    Missing {
        /// Its name.
        provider: String,
        /// What.
        what: &'static str,
    },
    /// It would be spoken to in the clear.
    #[error(
        "{address} cannot be the address of the provider {provider}: it begins with https://, and has neither a query nor a name in it"
    )]
    Address {
        /// Its name.
        provider: String,
        /// What was given.
        address: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(name: &str, issuer: &str) -> Result<(), ProviderFlaw> {
        Provider::oidc(name, issuer, "id", Secret::new("secret")).check()
    }

    #[test]
    fn only_what_can_be_spoken_to_in_private_is_a_provider() {
        for issuer in ["https://id.example.com", "https://id.example.com/realms/a/", "http://localhost:4000", "http://127.0.0.1:4000/a"] {
            assert_eq!(provider("staff", issuer), Ok(()), "{issuer}");
        }
        for issuer in [
            "",
            "id.example.com",
            "http://id.example.com",
            "http://localhost.evil.example",
            "https://a?b",
            "https://a@b",
            "ftp://localhost",
        ] {
            assert!(matches!(provider("staff", issuer), Err(ProviderFlaw::Address { .. })), "{issuer}");
        }
        for name in ["", "Staff", "a b", "a/b", &"a".repeat(33)] {
            assert!(matches!(provider(name, "https://id.example.com"), Err(ProviderFlaw::Name(_))), "{name}");
        }
        let missing = [
            Provider::google("", Secret::new("secret")),
            Provider::github("id", Secret::default()),
            Provider::apple("id", AppleKey::new("team", "key", Secret::new("no key"))),
        ];
        for provider in missing {
            assert!(matches!(provider.check(), Err(ProviderFlaw::Missing { .. })), "{provider:?}");
        }
    }
}
