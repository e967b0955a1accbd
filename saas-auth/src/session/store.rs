use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    Actor, Db, DbError, Flags, Ledger, Membership, Origin, Preferences, SessionId, SignedIn, SystemTx, Token, UserId,
    operator::OperatorRole, system_event_in,
};
use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Method, SessionIdle};
use crate::{
    Auth,
    account::{Agreed, AvatarId, AvatarSize, SessionBegan, SessionsEnded},
    token::tokens_end_all_in,
};

/// A session, as its owner sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Session {
    /// Its id, to end it by. Of no use for signing in.
    pub id: SessionId,
    /// Whether the request came with it.
    pub current: bool,
    /// What the browser called itself when it signed in.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// When it signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends by itself, however often it is used.
    pub expires_at: DateTime<Utc>,
    /// When it ends if nobody uses it until then. Pages that read themselves again while nobody is there are no use.
    pub ends_unused_at: DateTime<Utc>,
    /// Whether it outlives the browser.
    pub remembered: bool,
    /// The host of an organization that it opens, and nothing else; it came of another session, and ends with that. None on the main host.
    pub host: Option<String>,
    /// How its person has shown who they are.
    pub methods: Vec<Method>,
}

/// A session to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin<'a> {
    pub(crate) user: UserId,
    /// The password that was compared, if one was.
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) remembered: bool,
    pub(crate) methods: &'a [Method],
    /// When that was shown.
    pub(crate) proved_at: DateTime<Utc>,
}

/// A session that has just begun.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) token: Token,
    pub(crate) user: UserId,
    pub(crate) remembered: bool,
    pub(crate) verified: bool,
    /// Whether its person is leaving: then it lets them stay, and opens nothing else.
    pub(crate) leaving: bool,
    /// To which versions of which documents they agreed.
    pub(crate) agreed: Agreed,
}

impl NewSession {
    pub(crate) const LIFETIME: TimeDelta = TimeDelta::hours(24);
    pub(crate) const REMEMBERED_LIFETIME: TimeDelta = TimeDelta::days(30);

    pub(crate) const fn lifetime(remembered: bool) -> TimeDelta {
        if remembered { Self::REMEMBERED_LIFETIME } else { Self::LIFETIME }
    }
}

/// A session that a token is of.
#[derive(Debug)]
pub(crate) struct FoundSession {
    pub(crate) signed_in: SignedIn,
    /// Whether it was not seen for a minute.
    pub(crate) seen_long_ago: bool,
    /// The one host at which it opens something; none for the main one.
    pub(crate) host: Option<String>,
}

/// Finds a session's person by the token that a request carries.
pub(crate) async fn session_by_token(auth: &Auth, token: &Token, now: DateTime<Utc>) -> Result<Option<FoundSession>, DbError> {
    let (hash, since) = (token.hash(), auth.session_idle().since(now));
    let rows = auth
        .db()
        .lookup(|connection| {
            let hash = hash.as_bytes().to_vec();
            Box::pin(async move {
                sqlx::query!(
                    r#"select session_id as "session_id!", user_id as "user_id!", name as "name!", email as "email!",
                        verified as "verified!", avatar_id as "avatar_id: AvatarId", locale, time_zone, theme,
                        methods as "methods!", proved_at as "proved_at!", seen_long_ago as "seen_long_ago!",
                        operator_role as "operator_role: OperatorRole", host,
                        tenant_id, tenant_slug, tenant_name, role, second_factor_required, tenant_revision, flags
                    from auth.session_lookup($1, $2, $3, $4)
                    order by tenant_name, tenant_id"#,
                    hash,
                    now,
                    since.session,
                    since.remembered,
                )
                .fetch_all(connection)
                .await
            })
        })
        .await?;
    let mut found: Option<FoundSession> = None;
    for row in rows {
        let FoundSession { signed_in, .. } = found.get_or_insert_with(|| {
            let mut signed_in = SignedIn::new(row.user_id.into(), row.session_id.into());
            signed_in.name = row.name;
            signed_in.email = row.email;
            signed_in.verified = row.verified;
            signed_in.proved_at = row.proved_at;
            signed_in.second_factor = row.methods.iter().filter_map(|method| Method::stored(method)).any(Method::shows_second);
            signed_in.operator = row.operator_role;
            signed_in.picture = row.avatar_id.map(|id| id.path(AvatarSize::Small));
            signed_in.preferences = Preferences::stored(row.locale.as_deref(), row.time_zone.as_deref(), row.theme.as_deref());
            FoundSession { signed_in, seen_long_ago: row.seen_long_ago, host: row.host }
        });
        // A person without organizations has one row, of none.
        let (Some(id), Some(slug), Some(name), Some(role), Some(second_factor_required)) =
            (row.tenant_id, row.tenant_slug, row.tenant_name, row.role, row.second_factor_required)
        else {
            continue;
        };
        let (revision, flags) = (row.tenant_revision, Flags::stored(row.flags));
        signed_in.memberships.push(Membership { id: id.into(), slug, name, role, second_factor_required, revision, flags });
    }
    Ok(found)
}

/// Begins a session where the transaction says that the request comes from, if the account still has the password that was compared and the
/// person may sign in; nothing otherwise. Whoever changes the password at the same moment either finds this session and ends it, or is waited
/// for.
pub(crate) async fn session_insert_in(tx: &mut SystemTx, begin: Begin<'_>) -> Result<Option<NewSession>, DbError> {
    let Begin { user, password_hash, remembered, methods, proved_at } = begin;
    let methods: Vec<String> = methods.iter().map(|method| method.as_str().to_owned()).collect();
    let (token, now, origin) = (Token::generate(), tx.now(), tx.origin().clone());
    let (hash, session) = (token.hash(), SessionId::new());
    let account = sqlx::query!(
        r#"with account as (
            select account.user_id, account.verified_at, person.state = 'leaving' as leaving
            from auth.account
            join core.user person on person.id = account.user_id
            where account.user_id = $2 and ($3::text is null or account.password_hash = $3)
              and person.state in ('active', 'leaving')
            for no key update of account
        ), begun as (
            insert into auth.session
                (id, user_id, token_hash, created_at, expires_at, last_seen_at, proved_at, remembered, address, user_agent, methods)
            select $1, user_id, $4, $5, $6, $5, $11, $7, $8, $9, $10 from account
        )
        select verified_at is not null as "verified!", leaving as "leaving!", (
            select coalesce(jsonb_object_agg(latest.document, latest.version), '{}')
            from (
                select distinct on (document) document, version, given from auth.consent
                where user_id = $2
                order by document, number desc
            ) latest
            where latest.given
        ) as "agreed!: Json<Agreed>"
        from account"#,
        Uuid::from(session),
        Uuid::from(user),
        password_hash,
        hash.as_bytes(),
        now,
        now + NewSession::lifetime(remembered),
        remembered,
        origin.address as Option<IpAddr>,
        origin.user_agent.as_deref(),
        &methods,
        proved_at,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(account) = account else { return Ok(None) };
    system_event_in(tx, Ledger::Platform, Actor::User(user), user, &SessionBegan { session, remembered, methods: begin.methods.to_vec() })
        .await?;
    Ok(Some(NewSession {
        id: session,
        token,
        user,
        remembered,
        verified: account.verified,
        leaving: account.leaving,
        agreed: account.agreed.0,
    }))
}

/// The living sessions of a person, the last used first.
pub(crate) async fn session_list(db: &Db, idle: SessionIdle, me: &SignedIn) -> Result<Vec<Session>, DbError> {
    let mut tx = db.system("a person's sessions").begin().await?;
    let now = tx.now();
    let since = idle.since(now);
    let rows = sqlx::query!(
        r#"select session.id as "id: SessionId", session.user_agent, session.address as "address: IpAddr", session.created_at,
            session.last_seen_at, session.expires_at, session.remembered, session.host,
            coalesce(parent.methods, session.methods) as "methods!"
        from auth.session
        left join auth.session parent on parent.id = session.parent_id
        where session.user_id = $1 and session.ended_at is null and session.expires_at > $2
          and session.last_seen_at > case when session.remembered then $4::timestamptz else $3::timestamptz end
          and (parent.id is null or parent.ended_at is null and parent.expires_at > $2
            and parent.last_seen_at > case when parent.remembered then $4::timestamptz else $3::timestamptz end)
        order by session.last_seen_at desc, session.id"#,
        Uuid::from(me.user),
        now,
        since.session,
        since.remembered,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows
        .into_iter()
        .map(|row| Session {
            id: row.id,
            current: row.id == me.session,
            user_agent: row.user_agent,
            address: row.address,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            ends_unused_at: row.expires_at.min(row.last_seen_at + idle.of(row.remembered)),
            remembered: row.remembered,
            host: row.host,
            methods: row.methods.iter().filter_map(|method| Method::stored(method)).collect(),
        })
        .collect())
}

/// Ends a session of this person, and with it those of hosts that came of it; whether there was one.
pub(crate) async fn session_end(db: &Db, origin: Origin, user: UserId, session: SessionId) -> Result<bool, DbError> {
    let mut tx = db.system("end a session").caused_by(origin).begin().await?;
    let now = tx.now();
    let ended = sqlx::query!(
        "update auth.session set ended_at = $3 where id = $1 and user_id = $2 and ended_at is null and expires_at > $3",
        Uuid::from(session),
        Uuid::from(user),
        now,
    )
    .execute(&mut *tx)
    .await?;
    let is_ended = ended.rows_affected() == 1;
    if is_ended {
        system_event_in(&mut tx, Ledger::Platform, Actor::User(user), user, &SessionsEnded { sessions: vec![session] }).await?;
    }
    tx.commit().await?;
    Ok(is_ended)
}

/// Ends the session of somebody who signs out. At a host of an organization that is the one at the main host too: else its next page would begin another.
pub(crate) async fn session_sign_out(db: &Db, origin: Origin, user: UserId, session: SessionId) -> Result<(), DbError> {
    let mut tx = db.system("sign out").caused_by(origin).begin().await?;
    let now = tx.now();
    let sessions = sqlx::query_scalar!(
        r#"update auth.session set ended_at = $3
        where id in (select $1::uuid union all select parent_id from auth.session where id = $1)
          and user_id = $2 and ended_at is null and expires_at > $3
        returning id as "id: SessionId""#,
        Uuid::from(session),
        Uuid::from(user),
        now,
    )
    .fetch_all(&mut *tx)
    .await?;
    if !sessions.is_empty() {
        system_event_in(&mut tx, Ledger::Platform, Actor::User(user), user, &SessionsEnded { sessions }).await?;
    }
    tx.commit().await
}

/// Ends all sessions of a person but the one at hand.
pub(crate) async fn session_end_others(db: &Db, origin: Origin, me: &SignedIn) -> Result<(), DbError> {
    let mut tx = db.system("end a person's other sessions").caused_by(origin).begin().await?;
    session_end_all_in(&mut tx, me.user, Some(me.session)).await?;
    tx.commit().await
}

/// Ends all sessions of a person but the one that is kept, if it is theirs, and all that programs may do for them.
pub(crate) async fn session_end_all_in(tx: &mut SystemTx, user: UserId, kept: Option<SessionId>) -> Result<(), DbError> {
    let now = tx.now();
    let ended = sessions_end_in(tx, user, kept).await?;
    let sessions: Vec<_> = ended.into_iter().filter(|session| session.expires_at > now).map(|session| session.id).collect();
    if !sessions.is_empty() {
        system_event_in(tx, Ledger::Platform, Actor::User(user), user, &SessionsEnded { sessions }).await?;
    }
    // After the sessions: whoever lets a program act holds the session that it is let by, so none is missed.
    tokens_end_all_in(tx, user).await
}

/// A session that was not ended until now, though it may be over by itself.
#[derive(Debug)]
pub(super) struct EndedSession {
    pub(super) id: SessionId,
    expires_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    remembered: bool,
}

impl EndedSession {
    /// When it would have ended by itself.
    pub(super) fn over_at(&self, idle: SessionIdle) -> DateTime<Utc> {
        self.expires_at.min(self.last_seen_at + idle.of(self.remembered))
    }
}

/// Ends the sessions of a person, but for the one that is kept, and says which they were. Those too that are over by this clock: by that of another
/// server they may go on.
pub(super) async fn sessions_end_in(tx: &mut SystemTx, user: UserId, kept: Option<SessionId>) -> Result<Vec<EndedSession>, DbError> {
    let now = tx.now();
    let sessions = sqlx::query_as!(
        EndedSession,
        r#"update auth.session set ended_at = $2 where user_id = $1 and ended_at is null and id is distinct from $3
        returning id as "id: SessionId", expires_at, last_seen_at, remembered"#,
        Uuid::from(user),
        now,
        kept.map(Uuid::from) as Option<Uuid>,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(sessions)
}

/// Notes that a session was used at this time, if nobody did within the minute before: that of a host is a use of the one that it came of.
pub(crate) async fn session_seen(db: &Db, session: SessionId, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.system("session last seen").begin().await?;
    sqlx::query!(
        "update auth.session set last_seen_at = $2
        where id in (select id from auth.session where id = $1 union all select parent_id from auth.session where id = $1)
          and last_seen_at < $2::timestamptz - interval '1 minute'",
        Uuid::from(session),
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Whether a session still opens anything.
pub(crate) async fn session_holds(db: &Db, idle: SessionIdle, session: SessionId) -> Result<bool, DbError> {
    let mut tx = db.system("check the session of a stream").begin().await?;
    let now = tx.now();
    let since = idle.since(now);
    let holds = sqlx::query_scalar!(
        r#"select exists (
            select from auth.session
            join core.user person on person.id = session.user_id
            left join auth.session parent on parent.id = session.parent_id
            where session.id = $1 and session.ended_at is null and session.expires_at > $2 and person.state = 'active'
              and (parent.id is null or parent.ended_at is null and parent.expires_at > $2
                and parent.last_seen_at > case when parent.remembered then $4::timestamptz else $3::timestamptz end)
              and session.last_seen_at > case when session.remembered then $4::timestamptz else $3::timestamptz end
        ) as "holds!""#,
        Uuid::from(session),
        now,
        since.session,
        since.remembered,
    )
    .fetch_one(&mut *tx)
    .await?;
    Ok(holds)
}
