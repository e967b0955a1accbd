//! Channels: what they are, and how they are added, changed and removed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Chat, ChatChannelAdded, ChatChannelChanged, ChatChannelId, ChatChannelRemoved, ChatMessage, MOST, address::Address};
use crate::{
    Actor, Change, DbError, EventSeverity, Listed, Order, OrderBy, Problem, ProblemType, Standing, TenantTx, event_in,
    notification::NoticeKind, wrong::Wrong,
};

/// How a channel takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum ChatFormat {
    /// As Slack's incoming webhooks do: `{"text": …}`. So do Mattermost, Rocket.Chat, and Discord with `/slack` behind the address.
    Slack,
    /// As plain JSON, with an `id` that is the same when a message comes again.
    Json,
}

/// Whether a channel is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum ChatState {
    /// It is.
    Active,
    /// Somebody said: not for now. What happens meanwhile is not sent later.
    Paused,
    /// It said that there is nobody (404, 410).
    Refused,
}

/// A place in a chat that takes messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
#[non_exhaustive]
pub struct ChatChannel {
    /// Its id.
    pub id: ChatChannelId,
    /// How it takes messages.
    pub format: ChatFormat,
    /// What people call it.
    pub name: String,
    /// Whose host its address is on. The address itself is a secret and never shown.
    pub host: String,
    /// The kinds of notices that it is told, by the names of their events. Empty: all.
    pub kinds: Vec<String>,
    /// How much something must matter, of these kinds, that it is told.
    pub severity: EventSeverity,
    /// Whether it is told anything.
    pub state: ChatState,
    /// When the first message was given up that none has arrived after.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// The last message to it, and how that went.
    #[sqlx(json(nullable))]
    pub last: Option<ChatMessage>,
}

impl Listed for ChatChannel {
    const ORDERS: &'static [Order] = &[Order::new("created_at", "created_at", OrderBy::Time), Order::new("name", "name", OrderBy::Text)];
}

/// The columns of [`ChatChannel`], up to the filters of a list.
pub(super) const SELECT: &str = "select id, format, name, host, kinds, severity, state, failing_since, created_at, last \
     from chat_channel left join lateral ( \
         select jsonb_build_object( \
             'id', message.id, 'kind', message.kind, 'at', message.at, 'state', message.state, 'attempts', message.attempts, \
             'status', message.status, 'error', message.error, \
             'due_at', case when message.state = 'waiting' then message.due_at end) as last \
         from chat_message message \
         where message.tenant_id = chat_channel.tenant_id and message.channel_id = chat_channel.id \
         order by message.at desc, message.id desc limit 1 \
     ) latest on true \
     where chat_channel.tenant_id = ";

/// A channel as somebody described it.
pub(super) struct Draft<'a> {
    pub(super) name: &'a str,
    /// None if it stays as it is.
    pub(super) address: Option<&'a str>,
    pub(super) kinds: &'a [String],
    pub(super) severity: EventSeverity,
}

/// The same, checked.
#[derive(Debug)]
pub(super) struct Described {
    name: String,
    address: Option<Address>,
    kinds: Vec<String>,
    severity: EventSeverity,
}

/// A channel cannot be added, changed, found or tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// There is none with this id.
    #[error("there is no such channel")]
    NotFound,
    /// There are as many as there may be.
    #[error("there are {MOST} channels, and there may be no more")]
    TooMany,
    /// It is paused or switched off.
    #[error("the channel is not active: resume it first")]
    NotActive,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for ChatError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::NotFound => Self::not_found(),
            ChatError::TooMany | ChatError::NotActive => Self::new(&ProblemType::CONFLICT).detail(error.to_string()),
            ChatError::Database(error) => error.into(),
        }
    }
}

impl Chat {
    /// The kinds that somebody with this standing may hear of themselves.
    pub(super) fn offered<'a>(&'a self, standing: &Standing) -> impl Iterator<Item = &'a NoticeKind> {
        let notifications = &self.0.notifications;
        notifications.kinds().iter().filter(|kind| notifications.permission(kind).is_some_and(|name| standing.permissions.contains(&name)))
    }

    /// Checks what somebody wrote. `standing` must hold the permissions of all kinds that the channel will hear of: a channel must not be a
    /// way to hear of more than one may.
    pub(super) fn describe(&self, standing: &Standing, draft: &Draft<'_>) -> Result<Described, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let name = draft.name.trim();
        if name.is_empty() || name.chars().count() > 80 || name.contains(char::is_control) {
            let words = "must have 1 to 80 characters, none of them a control character";
            wrong.push(Wrong { field: "name", text: "core-chat-error-name", words });
        }
        let address = draft.address.map(|text| Address::parse(text, &self.0.outbound));
        if matches!(address, Some(None)) {
            let words = "must be an https address, on port 443 or 8443, that can be reached from everywhere";
            wrong.push(Wrong { field: "address", text: "core-chat-error-address", words });
        }
        let (all, offered) = (self.0.notifications.kinds(), self.offered(standing).map(|kind| kind.event).collect::<Vec<_>>());
        let is_told = |event: &str| draft.kinds.is_empty() || draft.kinds.iter().any(|kind| kind == event);
        if !draft.kinds.iter().all(|name| all.iter().any(|kind| kind.event == name)) {
            let words = "must be the names of events that people are told of";
            wrong.push(Wrong { field: "kinds", text: "core-chat-error-kinds", words });
        } else if !all.iter().filter(|kind| is_told(kind.event)).all(|kind| offered.contains(&kind.event)) {
            let words = "must be events that you may hear of yourself";
            wrong.push(Wrong { field: "kinds", text: "core-chat-error-kinds-forbidden", words });
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut kinds = draft.kinds.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Described { name: name.to_owned(), address: address.flatten(), kinds, severity: draft.severity })
    }

    /// Adds a channel.
    pub(super) async fn channel_add_in(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        format: ChatFormat,
        new: Described,
    ) -> Result<ChatChannel, ChatError> {
        let (Some(tenant), Some(address)) = (tx.tenant(), &new.address) else { return Err(ChatError::NotFound) };
        let (id, now) = (ChatChannelId::new(), tx.now());
        // Two that are added at once are counted one after the other.
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('chat_channel ' || $1::uuid::text, 0))", Uuid::from(tenant))
            .execute(&mut **tx)
            .await?;
        let added = sqlx::query!(
            r#"insert into chat_channel (tenant_id, id, format, name, kinds, host, sealed, created_at, severity)
            select $1, $2, $3, $4, $5, $6, $7, $8, $10
            where (select count(*) from chat_channel where tenant_id = $1) < $9"#,
            Uuid::from(tenant),
            Uuid::from(id),
            format as ChatFormat,
            new.name,
            &new.kinds,
            address.host(),
            address.seal(&self.0.keys, tenant, id),
            now,
            MOST,
            new.severity.as_str(),
        )
        .execute(&mut **tx)
        .await?;
        if added.rows_affected() == 0 {
            return Err(ChatError::TooMany);
        }
        let host = address.host().to_owned();
        let event =
            ChatChannelAdded { name: new.name.clone(), format, host: host.clone(), kinds: new.kinds.clone(), severity: new.severity };
        event_in(tx, actor, id, &event).await?;
        let state = ChatState::Active;
        Ok(ChatChannel {
            id,
            format,
            name: new.name,
            host,
            kinds: new.kinds,
            severity: new.severity,
            state,
            failing_since: None,
            created_at: now,
            last: None,
        })
    }

    /// Changes a channel. One that is paused drops what waits; one that is resumed starts without a past.
    pub(super) async fn channel_change_in(
        &self,
        tx: &mut TenantTx,
        actor: Actor,
        id: ChatChannelId,
        new: Described,
        state: ChatState,
    ) -> Result<ChatChannel, ChatError> {
        let tenant = tx.tenant().ok_or(ChatError::NotFound)?;
        let old = channel_lock_in(tx, id).await?;
        let host = new.address.as_ref().map_or(&*old.host, Address::host).to_owned();
        let starts_anew = state != old.state || new.address.is_some();
        sqlx::query!(
            r#"update chat_channel set name = $3, kinds = $4, host = $5, sealed = coalesce($6, sealed), state = $7, severity = $9,
                failing_since = case when $8 then null else failing_since end, rests_until = case when $8 then null else rests_until end
            where tenant_id = $1 and id = $2"#,
            Uuid::from(tenant),
            Uuid::from(id),
            new.name,
            &new.kinds,
            host,
            new.address.as_ref().map(|address| address.seal(&self.0.keys, tenant, id)),
            state as ChatState,
            starts_anew,
            new.severity.as_str(),
        )
        .execute(&mut **tx)
        .await?;
        if state != ChatState::Active {
            waiting_drop_in(tx, id).await?;
        }
        let changed = ChatChannelChanged {
            name: Change::new(old.name.clone(), new.name.clone()),
            host: Change::new(old.host.clone(), host.clone()),
            readdressed: new.address.is_some(),
            kinds: Change::new(old.kinds.clone(), new.kinds.clone()),
            severity: Change::new(old.severity, new.severity),
            state: Change::new(old.state, state),
        };
        event_in(tx, actor, id, &changed).await?;
        channel_in(tx, id).await?.ok_or(ChatError::NotFound)
    }
}

/// All channels of the tenant, the oldest first.
pub(super) async fn channels_in(tx: &mut TenantTx) -> Result<Vec<ChatChannel>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push_bind(tx.tenant()).push(" order by created_at, id");
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

pub(super) async fn channel_in(tx: &mut TenantTx, id: ChatChannelId) -> Result<Option<ChatChannel>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push_bind(tx.tenant()).push(" and id = ").push_bind(id);
    Ok(query.build_query_as().fetch_optional(&mut **tx).await?)
}

/// The channel as it is now and stays until the end of the transaction.
async fn channel_lock_in(tx: &mut TenantTx, id: ChatChannelId) -> Result<ChatChannel, ChatError> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push_bind(tx.tenant()).push(" and id = ").push_bind(id).push(" for no key update of chat_channel");
    query.build_query_as().fetch_optional(&mut **tx).await?.ok_or(ChatError::NotFound)
}

/// Ends what waits for a channel, and says how much that was.
pub(super) async fn waiting_drop_in(tx: &mut TenantTx, channel: ChatChannelId) -> Result<u64, DbError> {
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    let dropped = sqlx::query!(
        "update chat_message set state = 'dropped', ended_at = $3 where tenant_id = $1 and channel_id = $2 and state = 'waiting'",
        tenant,
        Uuid::from(channel),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(dropped.rows_affected())
}

/// Removes a channel and all that was or is to be sent to it.
pub(super) async fn channel_remove_in(tx: &mut TenantTx, actor: Actor, id: ChatChannelId) -> Result<(), ChatError> {
    let channel = channel_lock_in(tx, id).await?;
    sqlx::query!("delete from chat_channel where tenant_id = $1 and id = $2", tx.tenant().map(Uuid::from), Uuid::from(id))
        .execute(&mut **tx)
        .await?;
    event_in(tx, actor, id, &ChatChannelRemoved { name: channel.name, host: channel.host }).await?;
    Ok(())
}
