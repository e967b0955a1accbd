use std::{fmt, sync::Arc};

use chrono::TimeDelta;
use saas_core::{
    Db, DbError, MasterKey, Routes, SessionId,
    mail::Outbox,
    pages::{Locale, Pages},
};
use tokio::sync::Semaphore;
use url::Url;

use crate::{
    AttemptLimit, AuthLayer, BreachedPasswords, Document, PasswordPolicy, Scope,
    attempt::Attempts,
    identity::FlowCookie,
    mail::Letters,
    next::local_path,
    password::Hasher,
    provider::ProviderClient,
    session::{KnownDevices, SessionIdle, TokenCookie, session_holds},
    token::{Features, Issuer, Keyring},
    web,
};
#[cfg(feature = "passkeys")]
use crate::{PasskeyError, passkey::RelyingParty};

/// Sign-up, sign-in, sessions and keys. Cheap to clone. Made by [`Auth::builder`].
#[derive(Clone)]
pub struct Auth {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) keys: MasterKey,
    pub(crate) outbox: Outbox,
    pub(crate) pages: Pages,
    pub(crate) public_url: Url,
    pub(crate) policy: PasswordPolicy,
    pub(crate) breached: Option<Arc<dyn BreachedPasswords>>,
    pub(crate) sign_in_limit: AttemptLimit,
    pub(crate) reset_lifetime: TimeDelta,
    pub(crate) sign_in_by_mail: bool,
    pub(crate) session_idle: SessionIdle,
    pub(crate) hasher: Hasher,
    pub(crate) cookie: TokenCookie,
    pub(crate) pending: TokenCookie,
    pub(crate) asking: TokenCookie,
    pub(crate) leaving: TokenCookie,
    pub(crate) hand_off: TokenCookie,
    pub(crate) devices: KnownDevices,
    pub(crate) flow_cookie: FlowCookie,
    pub(crate) providers: Vec<ProviderClient>,
    /// Nobody asks for passkeys unless it was said, or where browsers have none.
    #[cfg(feature = "passkeys")]
    pub(crate) relying_party: Option<RelyingParty>,
    pub(crate) home: String,
    pub(crate) welcome: String,
    pub(crate) agent_key_prefix: String,
    pub(crate) scopes: &'static [Scope],
    pub(crate) documents: &'static [Document],
    pub(crate) issuer: Issuer,
    pub(crate) features: Features,
    pub(crate) keyring: Keyring,
    /// How many notes of use may be under way.
    pub(crate) notes: Arc<Semaphore>,
    /// How many mails that somebody asked for may be about to be written.
    pub(crate) resends: Arc<Semaphore>,
    /// How many pictures may be looked at.
    pub(crate) pictures: Arc<Semaphore>,
}

/// Notes of use are worth little: a few at a time never take the database's connections from those who wait for an answer.
pub(crate) const NOTES: usize = 2;

/// Enough for people; a flood of requests for mail must take neither memory nor the database from those who sign in.
pub(crate) const RESENDS: usize = 64;

/// An unpacked picture takes up to 200 megabytes while it is made smaller.
pub(crate) const PICTURES: usize = 2;

impl Auth {
    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Finds out who is calling and puts a [`Principal`](saas_core::Principal) on each request.
    ///
    /// * A session cookie makes the request a person's. One that is no session, or no more, is taken away and the request is a stranger's.
    /// * `Authorization: Bearer` with an agent's credential makes it a machine's. One that is not valid is refused: 401.
    /// * `Authorization: Bearer` with an API key makes it a program's; what it may do, the tenancy layer finds out.
    /// * `Authorization: Bearer` with an access token makes it a person's in the one organization that the token is for.
    /// * Both together are refused: 400. So is a key in the address, of which its organization is told.
    pub fn layer(&self) -> AuthLayer {
        AuthLayer::new(self.clone())
    }

    /// The pages (`/sign-up`, `/sign-in`, `/sign-in/with/{provider}`, `/sign-out`, `/verify`, `/reset`, `/sessions`, `/account`,
    /// `/account/security`, `/account/prove`, `/account/data`, and `/operators` for those who run the product) and the same for programs under `/api/v1/auth` and `/api/v1/me`. They need
    /// [`layer`](Self::layer) around them.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        web::routes(self).with_state(self.clone())
    }

    /// The pages (`/api-keys`) and the API (`/api/v1/api-keys`) for an organization's API keys, to be merged below a tenancy layer.
    pub fn api_key_routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        web::api_key_routes().with_state(self.clone())
    }

    /// The API with which a program gets tokens for a person and gives them back (`/api/v1/auth/token`), and the keys with which anybody may check
    /// them (`/.well-known/jwks.json`). They need [`layer`](Self::layer) around them.
    pub fn token_routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        web::token_routes().with_state(self.clone())
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// The master key: what is sealed with it opens for its purpose and place alone.
    pub(crate) fn keys(&self) -> &MasterKey {
        &self.inner.keys
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.inner.pages
    }

    /// Which passwords are accepted.
    #[must_use]
    pub fn policy(&self) -> &PasswordPolicy {
        &self.inner.policy
    }

    /// Who else knows stolen passwords.
    pub(crate) fn breached_passwords(&self) -> Option<&dyn BreachedPasswords> {
        self.inner.breached.as_deref()
    }

    /// The attempts at something, by somebody or at somebody's.
    pub(crate) fn attempts(&self, what: &'static str, whose: impl fmt::Display, limit: AttemptLimit) -> Attempts {
        Attempts::new(&self.inner.keys, what, whose, limit)
    }

    /// How often a password may be wrong.
    pub(crate) fn sign_in_limit(&self) -> AttemptLimit {
        self.inner.sign_in_limit
    }

    /// How long a mailed link lets somebody choose another password.
    pub(crate) fn reset_lifetime(&self) -> TimeDelta {
        self.inner.reset_lifetime
    }

    /// How long a session lasts that nobody uses.
    pub(crate) fn session_idle(&self) -> SessionIdle {
        self.inner.session_idle
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    /// Whether a mail alone signs somebody in, or the password is asked for beside it.
    pub(crate) fn signs_in_by_mail(&self) -> bool {
        self.inner.sign_in_by_mail
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.inner.outbox
    }

    pub(crate) fn cookie(&self) -> TokenCookie {
        self.inner.cookie
    }

    /// The cookie of somebody who has still to show a second factor.
    pub(crate) fn pending(&self) -> TokenCookie {
        self.inner.pending
    }

    /// The cookie of a browser that asked for a mail to sign in with.
    pub(crate) fn asking(&self) -> TokenCookie {
        self.inner.asking
    }

    pub(crate) fn devices(&self) -> &KnownDevices {
        &self.inner.devices
    }

    pub(crate) fn flow_cookie(&self) -> FlowCookie {
        self.inner.flow_cookie
    }

    /// Where people can have an account with which they sign in here, in the order in which it is shown.
    pub(crate) fn providers(&self) -> &[ProviderClient] {
        &self.inner.providers
    }

    /// The provider of this name in the settings.
    pub(crate) fn provider(&self, name: &str) -> Option<&ProviderClient> {
        self.inner.providers.iter().find(|provider| provider.name() == name)
    }

    pub(crate) fn agent_key_prefix(&self) -> &str {
        &self.inner.agent_key_prefix
    }

    /// What API keys may be given.
    pub(crate) fn scopes(&self) -> &'static [Scope] {
        self.inner.scopes
    }

    /// What people agree to.
    pub(crate) fn documents(&self) -> &'static [Document] {
        self.inner.documents
    }

    /// Who makes tokens, and for whom.
    pub(crate) fn issuer(&self) -> &Issuer {
        &self.inner.issuer
    }

    /// What tenants may use, for tokens to say.
    pub(crate) fn features(&self) -> &Features {
        &self.inner.features
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    /// Whether people sign in with passkeys.
    #[cfg(feature = "passkeys")]
    pub(crate) fn offers_passkeys(&self) -> bool {
        self.inner.relying_party.is_some()
    }

    /// Whether people sign in with passkeys: not in a program without them.
    #[cfg(not(feature = "passkeys"))]
    pub(crate) const fn offers_passkeys(&self) -> bool {
        false
    }

    /// Who asks for passkeys, if anybody does.
    #[cfg(feature = "passkeys")]
    pub(crate) fn relying_party(&self) -> Result<&RelyingParty, PasskeyError> {
        self.inner.relying_party.as_ref().ok_or(PasskeyError::Unknown)
    }

    /// Where to go after the confirmation of an address.
    pub(crate) fn welcome(&self) -> &str {
        &self.inner.welcome
    }

    /// Where to go after sign-in.
    pub(crate) fn home(&self) -> &str {
        &self.inner.home
    }

    /// The cookie of somebody who has signed in while they are leaving.
    pub(crate) fn leaving(&self) -> TokenCookie {
        self.inner.leaving
    }

    /// The cookie of a browser that asks at an organization's host for its session.
    pub(crate) fn hand_off(&self) -> TokenCookie {
        self.inner.hand_off
    }

    /// A path on our own host, if that is what it is.
    pub(crate) fn local_path(&self, next: Option<&str>) -> Option<String> {
        next.and_then(|next| local_path(next, &self.inner.public_url))
    }

    pub(crate) fn letters(&self, locale: Locale, next: Option<String>) -> Letters {
        Letters::new(self.inner.outbox.clone(), self.inner.pages.clone(), locale, next, self.home())
    }

    /// Whether a session still opens anything. Ask it for what outlives a request, such as a stream.
    ///
    /// # Errors
    ///
    /// Fails if nobody can tell.
    pub async fn session_holds(&self, session: SessionId) -> Result<bool, DbError> {
        session_holds(self.db(), self.session_idle(), session).await
    }

    pub(crate) fn pictures(&self) -> &Arc<Semaphore> {
        &self.inner.pictures
    }

    pub(crate) fn resends(&self) -> &Arc<Semaphore> {
        &self.inner.resends
    }

    /// Writes down that something was used, off the request. If too much is being written down the note is dropped: the next request makes
    /// it again.
    pub(crate) fn note<F, R>(&self, write: F)
    where
        F: FnOnce(Db) -> R + Send + 'static,
        R: Future<Output = Result<(), DbError>> + Send,
    {
        let Ok(permit) = Arc::clone(&self.inner.notes).try_acquire_owned() else { return };
        let db = self.db().clone();
        tokio::spawn(async move {
            if let Err(error) = write(db).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the time of a use was not noted");
            }
            drop(permit);
        });
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("policy", &self.inner.policy).finish_non_exhaustive()
    }
}
