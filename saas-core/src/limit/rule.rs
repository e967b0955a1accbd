use axum::extract::MatchedPath;
use http::{Method, request::Parts};

use super::{Allowance, Ask, Claimed, Key, Subject, TenantAllowance};
use crate::{ClientAddress, Principal, Problem, Standing, TenantDb};

/// Whose requests are counted together.
#[derive(Debug, Clone)]
enum By {
    Address(Allowance),
    Email(Allowance),
    Caller(Allowance),
    Tenant(TenantAllowance),
}

/// One limit: whose requests, on which routes, how many.
#[derive(Debug, Clone)]
#[must_use]
pub struct Rule {
    name: &'static str,
    by: By,
    on: fn(&Method, &str) -> bool,
    is_closed: bool,
    is_announced: bool,
}

impl Rule {
    fn new(name: &'static str, by: By) -> Self {
        Self { name, by, on: |_, _| true, is_closed: false, is_announced: true }
    }

    /// Counts by the client's network: an address of IPv4, a /64 of IPv6, as far as [`ClientAddress`] can be trusted.
    ///
    /// The name is the rule's own and part of its keys: short, in lower case, with hyphens.
    pub fn by_address(name: &'static str, allowance: impl Into<Allowance>) -> Self {
        Self::new(name, By::Address(allowance.into()))
    }

    /// Counts by the `email` in the request's body (JSON or a form), whoever sends it. Only for routes whose bodies are small: up to 64 KiB
    /// are read before the handler is asked.
    ///
    /// # Security
    ///
    /// Anybody can use up what is allowed for somebody else's address. So it is for what nobody needs in a hurry, such as another mail; a
    /// limit on signing in must leave its owner a way in.
    pub fn by_email(name: &'static str, allowance: impl Into<Allowance>) -> Self {
        Self::new(name, By::Email(allowance.into()))
    }

    /// Counts by who is calling: a person over all their sessions, a program by its key, a machine by its credential. Needs a layer that authenticates around it;
    /// strangers are not counted.
    pub fn by_caller(name: &'static str, allowance: impl Into<Allowance>) -> Self {
        Self::new(name, By::Caller(allowance.into()))
    }

    /// Counts by tenant, all its people and machines together, with what its plan allows. Needs a layer that finds the tenant around it;
    /// requests for no tenant are not counted.
    pub fn by_tenant(name: &'static str, allowance: TenantAllowance) -> Self {
        Self::new(name, By::Tenant(allowance))
    }

    /// Only on routes for which this answers `true`: it is asked with the method and the route's path, as it was registered.
    pub fn on(self, on: fn(&Method, &str) -> bool) -> Self {
        Self { on, ..self }
    }

    /// Refuses if the store cannot be asked or has no room (503), rather than letting everything through.
    pub fn closed(self) -> Self {
        Self { is_closed: true, ..self }
    }

    /// Says nothing in headers until it refuses. For what is counted by address, because that is shared with others: what one of them does
    /// would show in what the other is told.
    pub fn unannounced(self) -> Self {
        Self { is_announced: false, ..self }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn is_announced(&self) -> bool {
        self.is_announced
    }

    /// What the caller can do about a limit, beyond waiting.
    pub(super) fn depends_on_plan(&self) -> bool {
        matches!(self.by, By::Tenant(_))
    }

    pub(super) fn applies(&self, parts: &Parts) -> bool {
        // A request that matched no route gets to no handler; it is asked about an empty path.
        (self.on)(&parts.method, parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str))
    }

    pub(super) fn wants_email(&self) -> bool {
        matches!(self.by, By::Email(_))
    }

    /// What to ask the store, if this rule counts the request at all.
    pub(super) async fn ask(&self, parts: &Parts, email: Option<Claimed>) -> Result<Option<Ask>, Problem> {
        let (subject, allowance) = match &self.by {
            By::Address(allowance) => {
                let address = parts.extensions.get::<ClientAddress>().copied();
                let address = address.ok_or_else(|| Problem::missing_layer("finish, or the peer's address"))?;
                (Some(Subject::Address(address.into())), *allowance)
            }
            By::Email(allowance) => (email.map(Subject::Claimed), *allowance),
            By::Caller(allowance) => (caller(parts), *allowance),
            By::Tenant(allowance) => match (parts.extensions.get::<Standing>(), parts.extensions.get::<TenantDb>()) {
                (Some(standing), Some(db)) => (Some(Subject::Tenant(standing.tenant)), allowance.of(standing.tenant, db).await?),
                _ => (None, Allowance::Unlimited),
            },
        };
        Ok(match (subject, allowance) {
            (Some(subject), Allowance::AtMost(rate)) => Some(Ask { key: Key { rule: self.name, subject }, rate }),
            (None, _) | (_, Allowance::Unlimited) => None,
        })
    }
}

fn caller(parts: &Parts) -> Option<Subject> {
    match parts.extensions.get::<Principal>()? {
        Principal::User(signed_in) => Some(Subject::Person(signed_in.user)),
        Principal::Token(token) => Some(Subject::Person(token.user)),
        Principal::Key(key) => Some(Subject::ApiKey { tenant: key.tenant(), key: key.key }),
        Principal::Agent(agent) => Some(Subject::Agent { tenant: agent.tenant, agent: agent.agent }),
        Principal::Anonymous => None,
    }
}
