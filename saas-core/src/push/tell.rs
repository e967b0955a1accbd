//! What news become: a message to each browser of those who want them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{BrowserId, message::Message, send::Send};
use crate::{
    ConsumerError, DbError, EventId, EventSeverity, JobOptions, SystemTx, TenantId, UserId, job_system_in,
    notification::{Channel, News, NoticeKind, Notifications},
};

/// Push messages at once, to those who prefer it and have allowed a browser. Made by
/// [`Notifications::browsers`](crate::notification::Notifications::browsers).
#[derive(Debug, Clone)]
pub struct PushChannel {
    pub(crate) notifications: Notifications,
}

/// A browser whose person wants to be told.
struct Listener {
    event: EventId,
    user: UserId,
    browser: BrowserId,
    organization: String,
    locale: Option<String>,
}

/// The columns of the messages that are to be written.
#[derive(Default)]
struct Messages {
    tenants: Vec<Uuid>,
    browsers: Vec<Uuid>,
    ids: Vec<Uuid>,
    users: Vec<Uuid>,
    kinds: Vec<String>,
    causes: Vec<String>,
    urgencies: Vec<String>,
    bodies: Vec<String>,
    times: Vec<DateTime<Utc>>,
}

#[async_trait]
impl Channel for PushChannel {
    fn name(&self) -> &'static str {
        "notifications.push"
    }

    async fn tell_in(&self, tx: &mut SystemTx, news: &[News<'_>]) -> Result<(), ConsumerError> {
        let mut messages = Messages::default();
        for listener in listeners_in(tx, news).await? {
            let Some(news) = news.iter().find(|news| news.event.id == listener.event) else { continue };
            messages.tenants.push(news.tenant.into());
            messages.browsers.push(listener.browser.into());
            messages.ids.push(news.event.id.into());
            messages.users.push(listener.user.into());
            messages.kinds.push(news.kind.event.to_owned());
            messages.causes.push(news.cause());
            messages.urgencies.push(urgency(news.event.severity).to_owned());
            messages.bodies.push(self.body(&listener, news));
            messages.times.push(news.event.at);
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

/// What a phone wakes up for (RFC 8030, section 5.3).
const fn urgency(severity: EventSeverity) -> &'static str {
    match severity {
        EventSeverity::Warning | EventSeverity::Critical => "high",
        EventSeverity::Info | EventSeverity::Notice => "normal",
    }
}

impl PushChannel {
    fn body(&self, listener: &Listener, news: &News<'_>) -> String {
        let locale = listener.locale.as_deref().and_then(|tag| tag.parse().ok()).unwrap_or_default();
        let arguments = NoticeKind::arguments(&news.event.data).into();
        let link = self.notifications.outbox().link_in(news.tenant, &news.kind.href(&news.event.subject));
        let message = Message {
            id: news.event.id,
            title: &listener.organization,
            text: &self.notifications.outbox().sentence(locale, news.kind.text, &arguments),
            link: link.within(),
            locale,
        };
        message.body()
    }
}

/// Each browser of each member who may hear of it and prefers that, but for those of whoever made it happen.
async fn listeners_in(tx: &mut SystemTx, news: &[News<'_>]) -> Result<Vec<Listener>, DbError> {
    let tenants: Vec<Uuid> = news.iter().map(|it| it.tenant.into()).collect();
    let ids: Vec<Uuid> = news.iter().map(|it| it.event.id.into()).collect();
    let kinds: Vec<String> = news.iter().map(|it| it.kind.event.to_owned()).collect();
    let actors: Vec<Option<Uuid>> = news.iter().map(News::person).collect();
    let roles: Vec<String> = news.iter().map(|it| it.roles.join(" ")).collect();
    let defaults: Vec<String> = news.iter().map(|it| it.kind.push().as_str().to_owned()).collect();
    let permissions: Vec<String> = news.iter().map(|it| it.permission.to_owned()).collect();
    let mandatory: Vec<bool> = news.iter().map(|it| it.kind.mandatory).collect();
    let listeners = sqlx::query_as!(
        Listener,
        r#"select event.id as "event!: EventId", member.user_id as "user: UserId", browser.id as "browser: BrowserId",
            tenant.name as organization, coalesce(person.locale, brand.locale) as locale
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::boolean[], $8::text[])
            event (tenant_id, id, kind, actor, roles, push, mandatory, permission)
        join core.tenant tenant on tenant.id = event.tenant_id
        join core.member member on member.tenant_id = event.tenant_id and member.left_at is null
            and (member.role = any(string_to_array(event.roles, ' ')) or exists (
                select from core.role own
                where own.tenant_id = member.tenant_id and own.name = member.role and event.permission = any(own.permissions)
            ))
            and member.user_id is distinct from event.actor
        join core.push_browser browser on browser.user_id = member.user_id and browser.stopped_at is null
        join core.user person on person.id = member.user_id
        left join core.brand brand on brand.tenant_id = event.tenant_id
        left join notification_preference push on push.tenant_id = event.tenant_id and push.user_id = member.user_id
            and push.kind = event.kind and push.channel = 'push'
        where case when event.mandatory then event.push else coalesce(push.frequency, event.push) end = 'now'"#,
        &tenants,
        &ids,
        &kinds,
        &actors as &[Option<Uuid>],
        &roles,
        &defaults,
        &mandatory,
        &permissions,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(listeners)
}

/// Writes those that are new, and says which they were. Of what happens again and again within ten minutes it is the first.
async fn messages_add_in(tx: &mut SystemTx, messages: &Messages) -> Result<Vec<(TenantId, Send)>, DbError> {
    let now = tx.now();
    let added = sqlx::query!(
        r#"insert into push_message (tenant_id, browser_id, id, user_id, kind, cause, urgency, body, at, due_at)
        select message.*, $10::timestamptz
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[]) message
        on conflict do nothing
        returning tenant_id, browser_id, id"#,
        &messages.tenants,
        &messages.browsers,
        &messages.ids,
        &messages.users,
        &messages.kinds,
        &messages.causes,
        &messages.urgencies,
        &messages.bodies,
        &messages.times,
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(added.into_iter().map(|row| (row.tenant_id.into(), Send { browser: row.browser_id.into(), message: row.id.into() })).collect())
}
