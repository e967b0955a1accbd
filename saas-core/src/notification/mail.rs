use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Channel, News, NoticeKind, NoticeLetter, Notifications, unsubscribe};
use crate::{ConsumerError, EventId, SystemTx, UserId, mail::Envelope};

/// Mail at once, to those who prefer it. A second mail of the same event is none, for the outbox knows its cause.
#[derive(Debug, Clone)]
pub struct MailChannel {
    pub(super) notifications: Notifications,
}

/// Somebody who wants a mail.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recipient {
    /// Of which event.
    pub event: EventId,
    /// Who it is.
    pub user: UserId,
    /// What they are called.
    pub name: String,
    /// Where they read mail.
    pub email: String,
    /// What the organization is called that it happened in.
    pub organization: String,
}

#[async_trait]
impl Channel for MailChannel {
    fn name(&self) -> &'static str {
        "notifications.mail"
    }

    async fn tell_in(&self, tx: &mut SystemTx, news: &[News<'_>]) -> Result<(), ConsumerError> {
        let news: Vec<_> = news.iter().filter(|news| !news.kind.own_letter).cloned().collect();
        for recipient in recipients_in(tx, &news).await? {
            let Some(news) = news.iter().find(|it| it.event.id == recipient.event) else { continue };
            self.write_in(tx, news, &recipient).await?;
        }
        Ok(())
    }
}

impl Notifications {
    /// What a letter about news goes to somebody in, for this cause. If it is not mandatory they can end such mail with it.
    pub fn envelope(&self, news: &News<'_>, to: &Recipient, cause: impl fmt::Display) -> Envelope {
        let envelope = Envelope::new(&to.email, to.user, cause).named(&to.name).reader(to.user);
        if news.kind.mandatory {
            return envelope;
        }
        envelope.unsubscribe(unsubscribe::link(&self.0.outbox, &self.0.keys, news.tenant, to.user, news.kind.event))
    }
}

impl MailChannel {
    async fn write_in(&self, tx: &mut SystemTx, news: &News<'_>, to: &Recipient) -> Result<(), ConsumerError> {
        let News { event, tenant, kind, .. } = news;
        let outbox = &self.notifications.0.outbox;
        let envelope = self.notifications.envelope(news, to, news.cause());
        let letter = NoticeLetter {
            text: kind.text,
            args: NoticeKind::arguments(&event.data),
            organization: to.organization.clone(),
            href: outbox.link_in(*tenant, &kind.href(&event.subject)),
            preferences: outbox.link_in(*tenant, "/notifications/preferences"),
        };
        outbox.mail_system_in(tx, Some(*tenant), &envelope, &letter).await?;
        Ok(())
    }
}

/// Who is to be mailed of which news at once: each member who may hear of it and prefers that, but for whoever made it happen.
///
/// # Errors
///
/// Fails if the database does.
pub async fn recipients_in(tx: &mut SystemTx, news: &[News<'_>]) -> Result<Vec<Recipient>, sqlx::Error> {
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let tenants: Vec<Uuid> = news.iter().map(|it| it.tenant.into()).collect();
    let ids: Vec<Uuid> = news.iter().map(|it| it.event.id.into()).collect();
    let kinds: Vec<String> = news.iter().map(|it| it.kind.event.to_owned()).collect();
    let actors: Vec<Option<Uuid>> = news.iter().map(News::person).collect();
    let roles: Vec<String> = news.iter().map(|it| it.roles.join(" ")).collect();
    let mails: Vec<String> = news.iter().map(|it| it.kind.mail.as_str().to_owned()).collect();
    let permissions: Vec<String> = news.iter().map(|it| it.permission.to_owned()).collect();
    let mandatory: Vec<bool> = news.iter().map(|it| it.kind.mandatory).collect();
    sqlx::query_as!(
        Recipient,
        r#"select event.id as "event!: EventId", member.user_id as "user: UserId", member.name, member.email, tenant.name as organization
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::boolean[], $8::text[])
            event (tenant_id, id, kind, actor, roles, mail, mandatory, permission)
        join core.tenant tenant on tenant.id = event.tenant_id
        join core.member member on member.tenant_id = event.tenant_id and member.left_at is null
            and (member.role = any(string_to_array(event.roles, ' ')) or exists (
                select from core.role own
                where own.tenant_id = member.tenant_id and own.name = member.role and event.permission = any(own.permissions)
            ))
            and member.user_id is distinct from event.actor
        left join notification_preference mail on mail.tenant_id = event.tenant_id and mail.user_id = member.user_id
            and mail.kind = event.kind and mail.channel = 'mail'
        where case when event.mandatory then event.mail else coalesce(mail.frequency, event.mail) end = 'now'"#,
        &tenants,
        &ids,
        &kinds,
        &actors as &[Option<Uuid>],
        &roles,
        &mails,
        &mandatory,
        &permissions,
    )
    .fetch_all(&mut **tx)
    .await
}
