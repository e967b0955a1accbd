use std::sync::Arc;

use chrono::TimeDelta;
use saas_core::{
    Clock, Db, DbError, Dependencies, MasterKey, Outbound, OutboundError, OutboundPolicy, Permission as _, TenantDb, mail::Outbox,
    pages::Pages,
};
use tokio::sync::Semaphore;
use url::{Host, Url};

#[cfg(feature = "passkeys")]
use crate::passkey::RelyingParty;
use crate::{
    ApiKeyRead, ApiKeyWrite, AttemptLimit, Auth, BreachedPasswords, Document, HashError, PasswordPolicy, Provider, ProviderFlaw, Scope,
    auth::{Inner, NOTES, PICTURES, RESENDS},
    identity::FlowCookie,
    next::local_path,
    password::Hasher,
    provider::ProviderClient,
    session::{KnownDevices, SessionIdle, TokenCookie},
    token::{Features, Issuer, Keyring},
};

/// Sets up [`Auth`]; see [`Auth::builder`].
#[derive(Clone)]
#[must_use]
pub struct AuthBuilder {
    db: Db,
    keys: MasterKey,
    outbox: Outbox,
    pages: Pages,
    public_url: Url,
    policy: PasswordPolicy,
    breached: Option<Arc<dyn BreachedPasswords>>,
    sign_in_limit: AttemptLimit,
    reset_lifetime: TimeDelta,
    sign_in_by_mail: bool,
    session_idle: SessionIdle,
    home: String,
    welcome: String,
    insecure_lan: bool,
    agent_key_prefix: String,
    scopes: &'static [Scope],
    documents: &'static [Document],
    features: Features,
    providers: Vec<Provider>,
    #[cfg(feature = "passkeys")]
    passkeys: bool,
    outbound: Option<Outbound>,
    dependencies: Option<Dependencies>,
}

impl Auth {
    /// Begins with the defaults. Letters go into the outbox; `public_url` is how people reach the application.
    pub fn builder(db: &Db, keys: &MasterKey, outbox: Outbox, pages: Pages, public_url: Url) -> AuthBuilder {
        AuthBuilder {
            db: db.clone(),
            keys: keys.clone(),
            outbox,
            pages,
            public_url,
            policy: PasswordPolicy::default(),
            breached: None,
            sign_in_limit: SIGN_IN_LIMIT,
            reset_lifetime: RESET_LIFETIME,
            sign_in_by_mail: false,
            session_idle: SessionIdle::default(),
            home: "/".to_owned(),
            welcome: "/".to_owned(),
            insecure_lan: false,
            agent_key_prefix: "saas".to_owned(),
            scopes: &[],
            documents: &[],
            features: Features::default(),
            providers: Vec::new(),
            #[cfg(feature = "passkeys")]
            passkeys: false,
            outbound: None,
            dependencies: None,
        }
    }
}

/// AUT-05.
const SIGN_IN_LIMIT: AttemptLimit = AttemptLimit::new(5, TimeDelta::minutes(15)).pause(TimeDelta::minutes(15));

const RESET_LIFETIME: TimeDelta = TimeDelta::minutes(60);

impl AuthBuilder {
    /// Which passwords are accepted; [`PasswordPolicy::asvs`] unless something else is said.
    pub fn password_policy(mut self, policy: PasswordPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Who else knows stolen passwords, beside the list that the program carries ([`CommonPasswords`](crate::CommonPasswords)).
    pub fn breached_passwords(mut self, breached: impl BreachedPasswords) -> Self {
        self.breached = Some(Arc::new(breached));
        self
    }

    /// How often a password may be wrong: five times in 15 minutes, and then none for 15 minutes, unless something else is said.
    pub fn sign_in_limit(mut self, limit: AttemptLimit) -> Self {
        self.sign_in_limit = limit;
        self
    }

    /// How long a mailed link lets somebody choose another password: 15 to 60 minutes; 60 unless something else is said. No more than three are
    /// mailed in an hour, so with a shorter time whoever has asked for three may have to wait for another one.
    pub fn reset_lifetime(mut self, lifetime: TimeDelta) -> Self {
        self.reset_lifetime = lifetime;
        self
    }

    /// Whether a mail alone signs somebody in, with a link or a code; not so unless it is said. Then accounts need no password. Without it the same
    /// mail can be asked for where too many passwords were wrong, and the right one is asked for beside it.
    pub fn sign_in_by_mail(mut self, yes: bool) -> Self {
        self.sign_in_by_mail = yes;
        self
    }

    /// How long a session lasts that nobody uses: two hours, or seven days where it is remembered, unless something else is said. It ends at all events
    /// after 24 hours or 30 days. A change holds at once, for sessions that there are too.
    pub fn session_idle(mut self, idle: SessionIdle) -> Self {
        self.session_idle = idle;
        self
    }

    /// The path to go to after sign-in, if the person was not on the way somewhere.
    pub fn home(mut self, path: impl Into<String>) -> Self {
        self.home = path.into();
        self
    }

    /// The path to go to after the confirmation of an address.
    pub fn welcome(mut self, path: impl Into<String>) -> Self {
        self.welcome = path.into();
        self
    }

    /// Whether to serve people over plain http on other hosts than this one.
    ///
    /// # Security
    ///
    /// Anybody on the network can then take over a session. For a trial in one's own network, with a banner that says so.
    pub fn insecure_lan(mut self, yes: bool) -> Self {
        self.insecure_lan = yes;
        self
    }

    /// What API keys may be given, in the order in which it is shown; nothing unless it is said. No key looks after keys.
    pub fn scopes(mut self, scopes: &'static [Scope]) -> Self {
        self.scopes = scopes;
        self
    }

    /// What people agree to: terms, a privacy policy, news by mail; nothing unless it is said. What is required is asked for at sign-up, and a new
    /// version of it at the next sign-in; to the rest people may agree, and take it back.
    pub fn documents(mut self, documents: &'static [Document]) -> Self {
        self.documents = documents;
        self
    }

    /// What an organization may use, as its plan says: tokens tell it to the program that holds them. It is information, of which no right comes:
    /// your handlers ask the plan themselves. Nothing unless it is said.
    pub fn token_features<F, R>(mut self, features: F) -> Self
    where
        F: Fn(TenantDb) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<String>, DbError>> + Send + 'static,
    {
        self.features = Features::new(features);
        self
    }

    /// What the product's keys begin with, so that leaked ones are found: 2 to 16 lower-case letters and digits.
    pub fn agent_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.agent_key_prefix = prefix.into();
        self
    }

    /// Lets people sign in with an account elsewhere. The first one that is named is shown first.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.providers.push(provider);
        self
    }

    /// The same for several.
    pub fn providers(self, providers: impl IntoIterator<Item = Provider>) -> Self {
        providers.into_iter().fold(self, Self::provider)
    }

    /// Whether people register passkeys and sign in with them; not so unless it is said. A passkey belongs to the name of the host in the public
    /// address, for good: under another name none of them is found. Where that is a network address and no name, browsers have none, and
    /// nothing is offered.
    #[cfg(feature = "passkeys")]
    pub fn passkeys(mut self, yes: bool) -> Self {
        self.passkeys = yes;
        self
    }

    /// How providers are called; the public Internet over https unless something else is said, so one in a network of your own needs it.
    pub fn outbound(mut self, outbound: Outbound) -> Self {
        self.outbound = Some(outbound);
        self
    }

    /// Where it is seen that a provider is away, as `sign-in-` and its name.
    pub fn shown_in(mut self, dependencies: &Dependencies) -> Self {
        self.dependencies = Some(dependencies.clone());
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    ///
    /// Fails if something does not fit; see [`AuthBuildError`].
    pub fn build(self) -> Result<Auth, AuthBuildError> {
        let is_https = self.public_url.scheme() == "https";
        if !is_https && !self.insecure_lan && !is_loopback(&self.public_url) {
            return Err(AuthBuildError::PlainHttp(self.public_url));
        }
        let local = |path: String| local_path(&path, &self.public_url).ok_or(AuthBuildError::Path(path));
        let prefix = &self.agent_key_prefix;
        let is_prefix = (2..=16).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !is_prefix {
            return Err(AuthBuildError::AgentKeyPrefix(self.agent_key_prefix));
        }
        if !self.sign_in_limit.is_sound() {
            return Err(AuthBuildError::Limit(self.sign_in_limit));
        }
        if !(TimeDelta::minutes(15)..=TimeDelta::minutes(60)).contains(&self.reset_lifetime) {
            return Err(AuthBuildError::ResetLifetime(self.reset_lifetime));
        }
        let is_secure = is_https || !self.insecure_lan;
        let about_keys = [ApiKeyRead::NAME, ApiKeyWrite::NAME];
        if let Some(scope) = self.scopes.iter().find(|scope| about_keys.contains(&scope.permission)) {
            return Err(AuthBuildError::Scope(scope.permission));
        }
        if let Some(document) = self.documents.iter().find(|document| !document.is_sound()) {
            return Err(AuthBuildError::Document(document.name));
        }
        let providers = connect(self.providers, &self.public_url, self.db.clock(), self.outbound, self.dependencies.as_ref())?;
        #[cfg(feature = "passkeys")]
        let relying_party = match self.passkeys {
            true => RelyingParty::new(&self.public_url, self.pages.product(), TokenCookie::passkey(is_secure))
                .map_err(|error| AuthBuildError::Passkeys(error.into()))?,
            false => None,
        };
        Ok(Auth::from_inner(Inner {
            outbox: self.outbox,
            hasher: Hasher::new()?,
            cookie: TokenCookie::session(is_secure),
            pending: TokenCookie::pending(is_secure),
            asking: TokenCookie::asking(is_secure),
            leaving: TokenCookie::leaving(is_secure),
            hand_off: TokenCookie::hand_off(is_secure),
            devices: KnownDevices::new(self.keys.clone(), is_secure),
            flow_cookie: FlowCookie::new(is_secure),
            providers,
            #[cfg(feature = "passkeys")]
            relying_party,
            home: local(self.home)?,
            welcome: local(self.welcome)?,
            issuer: Issuer::new(&self.public_url),
            features: self.features,
            keyring: Keyring::default(),
            db: self.db,
            keys: self.keys,
            pages: self.pages,
            public_url: self.public_url,
            policy: self.policy,
            breached: self.breached,
            sign_in_limit: self.sign_in_limit,
            reset_lifetime: self.reset_lifetime,
            sign_in_by_mail: self.sign_in_by_mail,
            session_idle: self.session_idle,
            agent_key_prefix: self.agent_key_prefix,
            scopes: self.scopes,
            documents: self.documents,
            notes: Arc::new(Semaphore::new(NOTES)),
            resends: Arc::new(Semaphore::new(RESENDS)),
            pictures: Arc::new(Semaphore::new(PICTURES)),
        }))
    }
}

fn connect(
    providers: Vec<Provider>,
    public_url: &Url,
    clock: &Clock,
    outbound: Option<Outbound>,
    dependencies: Option<&Dependencies>,
) -> Result<Vec<ProviderClient>, AuthBuildError> {
    let mut connected: Vec<ProviderClient> = Vec::new();
    if providers.is_empty() {
        return Ok(connected);
    }
    let outbound = outbound.map_or_else(|| Outbound::new(OutboundPolicy::public()), Ok)?;
    for provider in providers {
        let client = ProviderClient::new(provider, public_url, clock, &outbound, dependencies)?;
        if connected.iter().any(|other| other.name() == client.name()) {
            return Err(ProviderFlaw::Twice(client.name().to_owned()).into());
        }
        connected.push(client);
    }
    Ok(connected)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// [`Auth`] cannot be set up like this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthBuildError {
    /// Sessions would travel in the clear.
    #[error("{0} is plain http: browsers keep secure cookies from it. Serve https, or accept the risk with --insecure-lan")]
    PlainHttp(Url),
    /// A path leads elsewhere.
    #[error("{0:?} is not a path on this host, such as /devices")]
    Path(String),
    /// The keys' prefix would not be recognized.
    #[error("{0:?} cannot begin keys: use 2 to 16 lower-case letters and digits")]
    AgentKeyPrefix(String),
    /// The limit allows nothing, or more than can be counted.
    #[error("{0:?} is no limit: allow 1 to 1000 attempts within some time")]
    Limit(AttemptLimit),
    /// The link would work too long, or not long enough to be read.
    #[error("a link to choose another password works for 15 to 60 minutes, and not for {} seconds", .0.num_seconds())]
    ResetLifetime(TimeDelta),
    /// A key could make keys.
    #[error("{0} cannot be a scope: no key looks after keys")]
    Scope(&'static str),
    /// A document could not be written down.
    #[error("{0:?} is no document: a name begins with a lower-case letter, and a version has 1 to 50 characters")]
    Document(&'static str),
    /// A provider cannot be used as it is described.
    #[error(transparent)]
    Provider(#[from] ProviderFlaw),
    /// Nothing can be called.
    #[error("providers cannot be called")]
    Outbound(#[from] OutboundError),
    /// Browsers would not know who asks them for a passkey.
    #[error("passkeys cannot be asked for")]
    Passkeys(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// argon2 does not take its parameters.
    #[error("passwords cannot be hashed")]
    Hash(#[from] HashError),
}
