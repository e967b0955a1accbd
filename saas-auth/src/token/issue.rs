use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    Actor, DbError, FieldError, Ledger, Origin, Problem, ProblemType, Secret, SignedIn, TokenFamilyId, mail::MailInError, system_event_in,
};
use uuid::Uuid;

use super::{
    SigningKeyError, TokensIssued,
    access::{self, Holder, LIFETIME},
    signing_key::{SigningKey, signing_key_in},
};
use crate::{
    Auth,
    key::{KeyText, Kind},
};

/// How long a program may act for its person before they let it again, however often it gets other tokens.
const FAMILY_LIFETIME: TimeDelta = TimeDelta::days(30);

/// The tokens that a program asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewTokens<'a> {
    /// The id or the short name of the organization.
    pub(crate) organization: &'a str,
    /// What the person calls the program: 1 to 100 characters.
    pub(crate) name: Option<&'a str>,
}

/// A pair of tokens, shown this once.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Secret,
    pub(crate) expires_in: TimeDelta,
}

/// No tokens were given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The person belongs to no such organization.
    #[error("there is no such organization")]
    NotFound,
    /// The organization lets only those in who have shown a second factor.
    #[error("the organization asks for a second factor")]
    SecondFactor,
    /// The session has ended meanwhile.
    #[error("nobody is signed in")]
    SignedOut,
    /// The refresh token was used already, has ended or never was one.
    #[error("the refresh token does not work, or no more")]
    Ended,
    /// What signs tokens cannot be had.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// The token cannot be written.
    #[error("the token cannot be written")]
    Write(#[from] serde_json::Error),
    /// The notice could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for TokenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NotFound => Self::not_found(),
            TokenError::SecondFactor => Self::new(&ProblemType::SECOND_FACTOR_REQUIRED),
            TokenError::SignedOut => Self::unauthenticated(),
            TokenError::Ended => {
                Self::invalid([FieldError::new("/refresh_token", "was used already, or has ended: let the person sign in again")])
            }
            TokenError::SigningKey(error) => error.into(),
            TokenError::Write(error) => Self::internal(error),
            TokenError::Mail(error) => error.into(),
            TokenError::Db(error) => error.into(),
        }
    }
}

/// Lets a program act for whoever is signed in, in one of their organizations. Whoever ends that session at the same moment either finds these
/// tokens and ends them, or is waited for.
pub(crate) async fn tokens_issue(auth: &Auth, origin: Origin, me: &SignedIn, new: NewTokens<'_>) -> Result<Tokens, TokenError> {
    let place = me.memberships.iter().find(|it| it.slug == new.organization || it.id.to_string() == new.organization);
    let place = place.ok_or(TokenError::NotFound)?;
    if place.second_factor_required && !me.second_factor {
        return Err(TokenError::SecondFactor);
    }
    let tenant = place.id;
    let features = auth.features_of(tenant).await?;
    let family = TokenFamilyId::new();
    let refresh = KeyText::marked(Kind::RefreshToken, family.into(), auth.keys());

    let mut tx = auth.db().system("let a program act for a person").caused_by(origin.clone()).begin().await?;
    let now = tx.now();
    let expires_at = now + FAMILY_LIFETIME;
    // The account first, then its sessions, as everywhere.
    let row = sqlx::query!(
        r#"with held as (
            select member.tenant_id, member.user_id, member.joined_at, member.role, account.email
            from auth.account
            join auth.session on session.user_id = account.user_id
            join core.user person on person.id = account.user_id
            join core.member on member.user_id = account.user_id
            join core.tenant on tenant.id = member.tenant_id
            where account.user_id = $1 and session.id = $2 and session.ended_at is null and session.expires_at > $5 and person.state = 'active'
              and member.tenant_id = $3 and member.left_at is null and tenant.state = 'active'
            for no key update of account, session
        ), begun as (
            insert into auth.token_family
                (tenant_id, id, user_id, member_since, name, token_hash, created_at, expires_at, last_seen_at, address, user_agent,
                second_factor)
            select tenant_id, $4, user_id, joined_at, $7, $8, $5, $6, $5, $9, $10, $11 from held
        )
        select role as "role!", email as "email!" from held"#,
        Uuid::from(me.user),
        Uuid::from(me.session),
        Uuid::from(tenant),
        Uuid::from(family),
        now,
        expires_at,
        new.name,
        refresh.hash(),
        origin.address as Option<IpAddr>,
        origin.user_agent.as_deref(),
        me.second_factor,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Err(TokenError::SignedOut) };
    let key = signing_key_in(&mut tx, auth.keys()).await?;
    system_event_in(&mut tx, Ledger::Platform, Actor::User(me.user), me.user, &TokensIssued { family, tenant, name: new.name }).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, token.family = %family, "let a program act for a person");
    let holder = Holder { user: me.user, family, tenant, email: row.email, role: row.role, features };
    pair(auth, &key, holder, &refresh, now, expires_at)
}

/// Writes both tokens; no access token works longer than its family.
pub(super) fn pair(
    auth: &Auth,
    key: &SigningKey,
    holder: Holder,
    refresh: &KeyText,
    now: DateTime<Utc>,
    over_at: DateTime<Utc>,
) -> Result<Tokens, TokenError> {
    let expires_at = over_at.min(now + LIFETIME);
    let access = access::sign(key, auth.issuer(), holder, now, expires_at)?;
    Ok(Tokens { access, refresh: refresh.write(auth.agent_key_prefix()), expires_in: expires_at - now })
}

impl Auth {
    pub(super) async fn features_of(&self, tenant: saas_core::TenantId) -> Result<Vec<String>, DbError> {
        self.features().of(self.db().tenant(tenant).read_only(true)).await
    }
}
