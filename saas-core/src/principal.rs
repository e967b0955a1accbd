//! Who is calling, and what they are in a tenant.

use std::{fmt, sync::Arc};

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Access, AgentId, Declares, Flags, KeyId, Listed, Order, OrderBy, Preferences, Problem, SessionId, TenantId, TokenFamilyId, UserId,
    operator::OperatorRole,
};

/// Who is making the request. Put there by a layer that authenticates, such as `saas-auth`'s or one of your own; on the answer too, so that a
/// page about a problem speaks to whoever asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Principal {
    /// Nobody that we know.
    Anonymous,
    /// A person with a session.
    User(Arc<SignedIn>),
    /// A person through a program that holds a token of theirs, bound to one tenant.
    Token(Arc<TokenPrincipal>),
    /// A program with an API key, bound to one tenant.
    Key(Arc<KeyPrincipal>),
    /// A machine with a key of its own, bound to one tenant.
    Agent(AgentPrincipal),
}

/// A person who is signed in.
#[derive(Clone)]
#[non_exhaustive]
pub struct SignedIn {
    /// The person.
    pub user: UserId,
    /// The session that the request came with.
    pub session: SessionId,
    /// What the person wants to be called.
    pub name: String,
    /// Where mail reaches them.
    pub email: String,
    /// The path of a small square picture of them.
    pub picture: Option<String>,
    /// Whether they proved that the address is theirs.
    pub verified: bool,
    /// When they last showed who they are, by what is strongest of all that they have.
    pub proved_at: DateTime<Utc>,
    /// Whether they have shown a second factor in this session.
    pub second_factor: bool,
    /// What they are among those who run the product, if they are one of them.
    pub operator: Option<OperatorRole>,
    /// How they want to be addressed.
    pub preferences: Preferences,
    /// The tenants that they belong to.
    pub memberships: Vec<Membership>,
}

impl SignedIn {
    /// A signed-in person with no tenant yet, who showed who they are long ago; set the other fields as you know them.
    #[must_use]
    pub fn new(user: UserId, session: SessionId) -> Self {
        Self {
            user,
            session,
            name: String::new(),
            email: String::new(),
            picture: None,
            verified: false,
            proved_at: DateTime::UNIX_EPOCH,
            second_factor: false,
            operator: None,
            preferences: Preferences::default(),
            memberships: Vec::new(),
        }
    }
}

/// Ids only: names and addresses do not belong in logs.
impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("user", &self.user).field("session", &self.session).finish_non_exhaustive()
    }
}

/// A person's place in one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
pub struct Membership {
    /// The tenant.
    pub id: TenantId,
    /// Its short name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The role held there.
    pub role: String,
    /// Whether it lets only those in who have shown a second factor.
    #[serde(default)]
    pub second_factor_required: bool,
    /// [What is kept](crate::Revised) of the tenant is what counts if it is of this revision.
    #[serde(skip)]
    pub revision: Option<i64>,
    /// Its switches, for the program alone.
    #[serde(skip)]
    #[schema(ignore)]
    pub flags: Flags,
}

impl Membership {
    /// A place by this role in a tenant that is called by its id; whatever else there is to say, the fields say.
    #[must_use]
    pub fn new(id: TenantId, role: &str) -> Self {
        let (slug, name) = (id.to_string(), String::new());
        Self { id, slug, name, role: role.to_owned(), second_factor_required: false, revision: None, flags: Flags::default() }
    }
}

impl Listed for Membership {
    const ORDERS: &'static [Order] = &[Order::new("name", "lower(name)", OrderBy::Text)];
}

/// A person through a program that showed a valid token of theirs. It may do in one tenant what its person may do there, and nothing with
/// their account.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenPrincipal {
    /// The person.
    pub user: UserId,
    /// The tokens that follow one another, of which it is one.
    pub family: TokenFamilyId,
    /// The person's place in the tenant, as it is now. It asks for a second factor only if none was shown for this token.
    pub place: Membership,
    /// The names of the permissions that no token has, whatever its person may do.
    pub withheld: &'static [&'static str],
}

impl TokenPrincipal {
    /// A token of `user` for the tenant in which they are `place`.
    #[must_use]
    pub const fn new(user: UserId, family: TokenFamilyId, place: Membership, withheld: &'static [&'static str]) -> Self {
        Self { user, family, place, withheld }
    }

    /// The tenant that it is bound to.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.place.id
    }
}

/// Ids only: names do not belong in logs.
impl fmt::Debug for TokenPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenPrincipal")
            .field("user", &self.user)
            .field("family", &self.family)
            .field("tenant", &self.tenant())
            .finish_non_exhaustive()
    }
}

/// A program that showed a valid API key. It may do what its scopes say, as far as the person who made the key may do so now.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPrincipal {
    /// The key.
    pub key: KeyId,
    /// The place in the tenant of the person who made it, as it is now.
    pub creator: Membership,
    /// The names of the permissions that the key may use.
    pub scopes: Vec<&'static str>,
}

impl KeyPrincipal {
    /// The key `key` of the tenant in which its maker is `creator`, with these scopes.
    #[must_use]
    pub const fn new(key: KeyId, creator: Membership, scopes: Vec<&'static str>) -> Self {
        Self { key, creator, scopes }
    }

    /// The tenant that it belongs to.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.creator.id
    }
}

/// Ids and scopes only: names do not belong in logs.
impl fmt::Debug for KeyPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPrincipal")
            .field("key", &self.key)
            .field("tenant", &self.tenant())
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// A machine that showed a valid credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentPrincipal {
    /// The machine.
    pub agent: AgentId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
}

impl AgentPrincipal {
    /// The machine `agent` of `tenant`.
    #[must_use]
    pub const fn new(agent: AgentId, tenant: TenantId) -> Self {
        Self { agent, tenant }
    }
}

/// Who did something, as events and audit entries name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Actor {
    /// A person.
    User(UserId),
    /// A program with an API key of the tenant.
    Key(KeyId),
    /// A machine of the tenant.
    Agent(AgentId),
    /// One of the people who run the product, acting for somebody.
    Admin {
        /// Who acts.
        admin: UserId,
        /// As whom; nobody in particular if none.
        on_behalf_of: Option<UserId>,
    },
    /// The program itself.
    System,
    /// Somebody who has not said who they are, or not proved it.
    Anonymous,
}

impl Actor {
    /// The kind, who it is, and on whose behalf: as events and audit entries store it.
    pub(crate) fn columns(self) -> (&'static str, Option<uuid::Uuid>, Option<uuid::Uuid>) {
        match self {
            Self::User(id) => ("user", Some(id.into()), None),
            Self::Key(id) => ("key", Some(id.into()), None),
            Self::Agent(id) => ("agent", Some(id.into()), None),
            Self::Admin { admin, on_behalf_of } => ("admin", Some(admin.into()), on_behalf_of.map(Into::into)),
            Self::System => ("system", None, None),
            Self::Anonymous => ("anonymous", None, None),
        }
    }

    /// What is stored, read again. The tables' constraints let nothing else in.
    pub(crate) fn of(kind: &str, id: Option<uuid::Uuid>, on_behalf_of: Option<uuid::Uuid>) -> Self {
        match (kind, id) {
            ("user", Some(id)) => Self::User(id.into()),
            ("key", Some(id)) => Self::Key(id.into()),
            ("agent", Some(id)) => Self::Agent(id.into()),
            ("admin", Some(id)) => Self::Admin { admin: id.into(), on_behalf_of: on_behalf_of.map(Into::into) },
            ("anonymous", _) => Self::Anonymous,
            _ => Self::System,
        }
    }
}

/// The kind and the ids, in words that hold nothing else.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Key(id) => write!(f, "key {id}"),
            Self::Agent(id) => write!(f, "agent {id}"),
            Self::Admin { admin, on_behalf_of: None } => write!(f, "admin {admin}"),
            Self::Admin { admin, on_behalf_of: Some(user) } => write!(f, "admin {admin} for {user}"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl From<&SignedIn> for Actor {
    fn from(signed_in: &SignedIn) -> Self {
        Self::User(signed_in.user)
    }
}

impl From<&TokenPrincipal> for Actor {
    fn from(principal: &TokenPrincipal) -> Self {
        Self::User(principal.user)
    }
}

impl From<&KeyPrincipal> for Actor {
    fn from(principal: &KeyPrincipal) -> Self {
        Self::Key(principal.key)
    }
}

impl From<&AgentPrincipal> for Actor {
    fn from(principal: &AgentPrincipal) -> Self {
        Self::Agent(principal.agent)
    }
}

/// The person who is signed in; a stranger gets 401, a program with a key or a token and a machine 403.
///
/// ```
/// use saas_core::CurrentUser;
///
/// async fn greet(CurrentUser(me): CurrentUser) -> String {
///     format!("Hello, {}", me.name)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct CurrentUser(pub Arc<SignedIn>);

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Principal>() {
            Some(Principal::User(signed_in)) => Ok(Self(Arc::clone(signed_in))),
            Some(Principal::Anonymous) => Err(Problem::unauthenticated()),
            Some(Principal::Token(_) | Principal::Key(_) | Principal::Agent(_)) => Err(Problem::forbidden()),
            None => Err(Problem::missing_layer("one that authenticates")),
        }
    }
}

impl Declares for CurrentUser {
    fn access() -> Access {
        Access::signed_in()
    }
}

/// The machine that is calling; everybody else gets 401.
#[derive(Debug, Clone, Copy)]
pub struct CurrentAgent(pub AgentPrincipal);

impl<S: Send + Sync> FromRequestParts<S> for CurrentAgent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Principal>() {
            Some(Principal::Agent(agent)) => Ok(Self(*agent)),
            Some(_) => Err(Problem::unauthenticated()),
            None => Err(Problem::missing_layer("one that authenticates")),
        }
    }
}

impl Declares for CurrentAgent {
    fn access() -> Access {
        Access::agent()
    }
}
