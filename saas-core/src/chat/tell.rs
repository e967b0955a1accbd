//! What news become: a message to each channel that wants them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Chat, ChatChannelFailed, ChatChannelId, ChatError, ChatFormat, ChatMessageId, ChatState,
    channel::channel_in,
    message::{Message, TEST},
    send::Send,
};
use crate::{
    ConsumerError, DbError, Event as _, EventSeverity, JobOptions, Lane, SystemTx, TenantId, TenantTx, job_in, job_system_in,
    notification::{Channel, News, NoticeKind},
    pages::Locale,
};

/// A channel that may want to be told.
struct Listener {
    tenant: TenantId,
    id: ChatChannelId,
    format: ChatFormat,
    kinds: Vec<String>,
    severity: EventSeverity,
    organization: String,
    locale: Locale,
}

impl Listener {
    /// Of its own failures a channel is not told.
    fn wants(&self, news: &News<'_>) -> bool {
        let is_about_itself = news.kind.event == ChatChannelFailed::NAME && news.event.subject == self.id.to_string();
        let is_of_a_kind = self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == news.kind.event);
        news.tenant == self.tenant && is_of_a_kind && news.event.severity >= self.severity && !is_about_itself
    }
}

/// The columns of the messages that are to be written.
#[derive(Default)]
struct Messages {
    tenants: Vec<Uuid>,
    channels: Vec<Uuid>,
    ids: Vec<Uuid>,
    kinds: Vec<String>,
    bodies: Vec<String>,
    times: Vec<DateTime<Utc>>,
}

#[async_trait]
impl Channel for Chat {
    fn name(&self) -> &'static str {
        "notifications.chat"
    }

    async fn tell_in(&self, tx: &mut SystemTx, news: &[News<'_>]) -> Result<(), ConsumerError> {
        let mut messages = Messages::default();
        for listener in listeners_in(tx, news).await? {
            for news in news.iter().filter(|news| listener.wants(news)) {
                messages.tenants.push(listener.tenant.into());
                messages.channels.push(listener.id.into());
                messages.ids.push(news.event.id.into());
                messages.kinds.push(news.kind.event.to_owned());
                messages.bodies.push(self.body(&listener, news));
                messages.times.push(news.event.at);
            }
        }
        if messages.ids.is_empty() {
            return Ok(());
        }
        for (tenant, message) in messages_add_in(tx, &messages).await? {
            job_system_in(tx, Some(tenant), &message, JobOptions::new()).await?;
        }
        Ok(())
    }
}

impl Chat {
    fn body(&self, listener: &Listener, news: &News<'_>) -> String {
        let (outbox, event) = (self.0.notifications.outbox(), news.event);
        let arguments = NoticeKind::arguments(&event.data).into();
        let link = outbox.link_in(news.tenant, &news.kind.href(&event.subject));
        let message = Message {
            id: event.id.into(),
            kind: news.kind.event,
            at: event.at,
            organization: &listener.organization,
            subject: &event.subject,
            sentence: &outbox.sentence(listener.locale, news.kind.text, &arguments),
            link: link.as_str(),
            label: &outbox.sentence(listener.locale, "core-mail-notice-do", &Value::Null),
        };
        message.body(listener.format)
    }

    /// Sends a message that means nothing, to see whether it arrives.
    pub(super) async fn test_send_in(&self, tx: &mut TenantTx, channel: ChatChannelId) -> Result<ChatMessageId, ChatError> {
        let (outbox, id, now) = (self.0.notifications.outbox(), ChatMessageId::new(), tx.now());
        let found = channel_in(tx, channel).await?.ok_or(ChatError::NotFound)?;
        if found.state != ChatState::Active {
            return Err(ChatError::NotActive);
        }
        let tenant = tx.tenant().map(Uuid::from);
        let row = sqlx::query!(
            r#"select tenant.name, brand.locale as "locale?"
            from core.tenant tenant left join core.brand brand on brand.tenant_id = tenant.id
            where tenant.id = $1"#,
            tenant,
        )
        .fetch_one(&mut **tx)
        .await?;
        let (locale, link) = (locale(row.locale.as_deref()), outbox.link(&format!("/channels/{channel}")));
        let message = Message {
            id,
            kind: TEST,
            at: now,
            organization: &row.name,
            subject: &channel.to_string(),
            sentence: &outbox.sentence(locale, "core-chat-test-text", &Value::Null),
            link: link.as_str(),
            label: &outbox.sentence(locale, "core-mail-notice-do", &Value::Null),
        };
        sqlx::query!(
            "insert into chat_message (tenant_id, channel_id, id, kind, body, at, due_at) values ($1, $2, $3, $4, $5, $6, $6)",
            tenant,
            Uuid::from(channel),
            Uuid::from(id),
            TEST,
            message.body(found.format),
            now,
        )
        .execute(&mut **tx)
        .await?;
        // Somebody waits for it.
        job_in(tx, &Send { channel, message: id }, JobOptions::new().lane(Lane::Urgent)).await?;
        Ok(id)
    }
}

fn locale(tag: Option<&str>) -> Locale {
    tag.and_then(|tag| tag.parse().ok()).unwrap_or_default()
}

/// The active channels of the news' tenants. None of them is removed while their messages are written.
async fn listeners_in(tx: &mut SystemTx, news: &[News<'_>]) -> Result<Vec<Listener>, DbError> {
    let tenants: BTreeSet<TenantId> = news.iter().map(|news| news.tenant).collect();
    let tenants: Vec<Uuid> = tenants.into_iter().map(Uuid::from).collect();
    let rows = sqlx::query!(
        r#"select channel.tenant_id, channel.id, channel.format as "format: ChatFormat", channel.kinds, channel.severity, tenant.name,
            brand.locale as "locale?"
        from chat_channel channel
        join core.tenant tenant on tenant.id = channel.tenant_id
        left join core.brand brand on brand.tenant_id = channel.tenant_id
        where channel.tenant_id = any($1) and channel.state = 'active'
        order by channel.tenant_id, channel.created_at, channel.id
        for key share of channel"#,
        &tenants,
    )
    .fetch_all(&mut **tx)
    .await?;
    let listeners = rows.into_iter().map(|row| Listener {
        tenant: row.tenant_id.into(),
        id: row.id.into(),
        format: row.format,
        kinds: row.kinds,
        severity: EventSeverity::of(&row.severity),
        organization: row.name,
        locale: locale(row.locale.as_deref()),
    });
    Ok(listeners.collect())
}

/// Writes those that are new, and says which they were.
async fn messages_add_in(tx: &mut SystemTx, messages: &Messages) -> Result<Vec<(TenantId, Send)>, DbError> {
    let now = tx.now();
    let added = sqlx::query!(
        r#"insert into chat_message (tenant_id, channel_id, id, kind, body, at, due_at)
        select message.*, $7::timestamptz
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[]) message
        on conflict on constraint chat_message_pkey do nothing
        returning tenant_id, channel_id, id"#,
        &messages.tenants,
        &messages.channels,
        &messages.ids,
        &messages.kinds,
        &messages.bodies,
        &messages.times,
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(added.into_iter().map(|row| (row.tenant_id.into(), Send { channel: row.channel_id.into(), message: row.id.into() })).collect())
}
