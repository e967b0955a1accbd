//! A session of an organization's host, which comes of one of the main host: by a code that works once, within a minute, at that host and in the browser
//! that asked there.

use std::net::IpAddr;

use chrono::TimeDelta;
use saas_core::{
    Actor, DbError, Event, EventSeverity, HostName, Ledger, Membership, Origin, SessionId, SignedIn, TenantHost, TenantId, Token,
    TokenHash, UserId, system_event_in,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Auth;

const LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// What a browser asks for at an organization's host.
#[derive(Debug)]
pub(crate) struct HandOff<'a> {
    pub(crate) host: &'a HostName,
    /// Whose host it is, and what its person is there.
    pub(crate) place: &'a Membership,
    /// What the browser keeps at that host, as a hash: so the addresses on the way say nothing that is worth anything.
    pub(crate) browser: &'a [u8],
    /// The path that it was going to.
    pub(crate) next: Option<&'a str>,
}

/// A session that has begun at a host.
#[derive(Debug)]
pub(crate) struct HandedOff {
    pub(crate) token: Token,
    pub(crate) next: Option<String>,
    /// For how much longer the browser keeps it; until it is closed if none.
    pub(crate) keep: Option<TimeDelta>,
}

/// Makes a code with which the session at hand begins another at the host.
pub(crate) async fn hand_off_begin(auth: &Auth, me: &SignedIn, asked: HandOff<'_>) -> Result<Token, DbError> {
    let code = Token::generate();
    let hash = code.hash();
    let mut tx = auth.db().system("hand a session off to a host").begin().await?;
    let now = tx.now();
    sqlx::query!(
        "insert into auth.hand_off (code_hash, session_id, only_tenant, host, browser_hash, next, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
        hash.as_bytes(),
        Uuid::from(me.session),
        Uuid::from(asked.place.id),
        asked.host.as_str(),
        asked.browser,
        asked.next,
        now,
        now + LIFETIME,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(code)
}

/// Begins a session at the host that a code is for, in the browser that asked for it; nothing where anything of that is not so. It is asked anew whether the
/// session that it is of lasts and its person belongs to the organization. Of many that come at once one finds it.
pub(crate) async fn hand_off_take(
    auth: &Auth,
    origin: Origin,
    host: &TenantHost,
    code: &Token,
    browser: &TokenHash,
) -> Result<Option<HandedOff>, DbError> {
    let mut tx = auth.db().system("begin a session at a host").caused_by(origin.clone()).begin().await?;
    let (now, since) = (tx.now(), auth.session_idle().since(tx.now()));
    let (token, id) = (Token::generate(), SessionId::new());
    let (code, hash) = (code.hash(), token.hash());
    let begun = sqlx::query!(
        r#"with taken as (
            update auth.hand_off set used_at = $4
            where code_hash = $1 and host = $2 and browser_hash = $3 and used_at is null and expires_at > $4
            returning session_id, only_tenant, host, next
        ), parent as (
            select session.id, session.user_id, session.expires_at, session.remembered, session.methods, taken.only_tenant, taken.host, taken.next
            from taken
            join auth.session on session.id = taken.session_id
            join core.user person on person.id = session.user_id and person.state = 'active'
            join core.tenant on tenant.id = taken.only_tenant and tenant.state = 'active'
            join core.member on member.tenant_id = tenant.id and member.user_id = session.user_id and member.left_at is null
            where session.parent_id is null and session.ended_at is null and session.expires_at > $4
              and session.last_seen_at > case when session.remembered then $6::timestamptz else $5::timestamptz end
            for no key update of session
        ), begun as (
            insert into auth.session
                (id, user_id, token_hash, created_at, expires_at, last_seen_at, proved_at, remembered, address, user_agent, methods,
                parent_id, only_tenant, host)
            select $7, user_id, $8, $4, expires_at, $4, 'epoch', remembered, $9, $10, methods, id, only_tenant, host from parent
        )
        select id as "parent!: SessionId", user_id as "user!: UserId", only_tenant as "tenant!: TenantId", remembered as "remembered!", next,
            expires_at as "expires_at!"
        from parent"#,
        code.as_bytes(),
        host.name.as_str(),
        browser.as_bytes(),
        now,
        since.session,
        since.remembered,
        Uuid::from(id),
        hash.as_bytes(),
        origin.address as Option<IpAddr>,
        origin.user_agent.as_deref(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(begun) = begun else {
        // What was shown by the right browser is used, whatever came of it.
        tx.commit().await?;
        return Ok(None);
    };
    let event = SessionHandedOff { session: id, of: begun.parent, organization: begun.tenant, host: host.name.as_str() };
    system_event_in(&mut tx, Ledger::Platform, Actor::User(begun.user), begun.user, &event).await?;
    tx.commit().await?;
    Ok(Some(HandedOff { token, next: begun.next, keep: begun.remembered.then_some(begun.expires_at - now) }))
}

/// A session began at the host of an organization, of one that its person has at the main host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionHandedOff<'a> {
    session: SessionId,
    /// The session that it came of, and with which it ends.
    of: SessionId,
    /// The organization that it opens.
    organization: TenantId,
    host: &'a str,
}

impl Event for SessionHandedOff<'_> {
    const NAME: &'static str = "auth.session.handed_off";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}
