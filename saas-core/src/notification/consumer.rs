//! What an event becomes: a row for each person who is told of it, and a mail to those who want one at once.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::query;
use uuid::Uuid;

use super::{NoticeKind, NoticeLetter, Notifications, unsubscribe};
use crate::{Actor, Consumer, ConsumerError, RecordedEvent, SystemTx, TenantId, UserId, mail::Envelope};

/// One mail at once for each kind and subject in this time.
const QUIET_SECONDS: i64 = 600;

#[async_trait]
impl Consumer for Notifications {
    fn name(&self) -> &'static str {
        "notifications"
    }

    async fn take(&self, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
        let told: Vec<_> = events.iter().filter_map(|event| self.worth_telling(event)).collect();
        if told.is_empty() {
            return Ok(());
        }
        for mail in self.tell_in(tx, &told).await? {
            let Some(item) = told.iter().find(|item| item.event.id == mail.event.into()) else { continue };
            self.mail_in(tx, item, &mail).await?;
        }
        Ok(())
    }
}

/// An event, what it is told as, and to whom.
struct Told<'a> {
    event: &'a RecordedEvent,
    tenant: TenantId,
    kind: &'a NoticeKind,
    roles: String,
}

/// Somebody who wants a mail at once.
struct Wanted {
    event: Uuid,
    user: UserId,
    name: String,
    email: String,
    organization: String,
}

impl Notifications {
    fn worth_telling<'a>(&'a self, event: &'a RecordedEvent) -> Option<Told<'a>> {
        let tenant = event.ledger.tenant()?;
        let kind = self.kind(&event.name).filter(|kind| kind.is_worth(&event.data))?;
        let roles = self.roles(kind);
        (!roles.is_empty()).then(|| Told { event, tenant, kind, roles: roles.join(" ") })
    }

    /// Writes the rows, wakes the lists that are open, and says who wants a mail at once. An event that comes again tells nobody twice.
    async fn tell_in(&self, tx: &mut SystemTx, told: &[Told<'_>]) -> Result<Vec<Wanted>, sqlx::Error> {
        let column = |of: fn(&Told<'_>) -> Uuid| -> Vec<Uuid> { told.iter().map(of).collect() };
        let text = |of: fn(&Told<'_>) -> String| -> Vec<String> { told.iter().map(of).collect() };
        let tenants = column(|item| item.tenant.into());
        let ids = column(|item| item.event.id.into());
        let kinds = text(|item| item.kind.event.to_owned());
        let subjects = text(|item| item.event.subject.clone());
        let roles = text(|item| item.roles.clone());
        let mails = text(|item| item.kind.mail.as_str().to_owned());
        let data: Vec<Value> = told.iter().map(|item| Value::Object(NoticeKind::arguments(&item.event.data))).collect();
        let times: Vec<DateTime<Utc>> = told.iter().map(|item| item.event.at).collect();
        let actors: Vec<Option<Uuid>> = told.iter().map(|item| actor(item.event.actor)).collect();
        let mandatory: Vec<bool> = told.iter().map(|item| item.kind.mandatory).collect();
        let wanted = query!(
            r#"with told as (
                select event.tenant_id, member.user_id, event.id, event.kind, event.subject, event.data, event.at, member.name, member.email,
                    event.mandatory or coalesce(list.frequency, 'now') = 'now' as listed,
                    case when event.mandatory then event.mail else coalesce(mail.frequency, event.mail) end as mail
                from unnest(
                    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[], $7::uuid[], $8::text[], $9::text[],
                    $10::boolean[]
                ) event (tenant_id, id, kind, subject, data, at, actor, roles, mail, mandatory)
                join core.member member on member.tenant_id = event.tenant_id and member.left_at is null
                    and member.role = any(string_to_array(event.roles, ' ')) and member.user_id is distinct from event.actor
                left join notification_preference list on list.tenant_id = event.tenant_id and list.user_id = member.user_id
                    and list.kind = event.kind and list.channel = 'list'
                left join notification_preference mail on mail.tenant_id = event.tenant_id and mail.user_id = member.user_id
                    and mail.kind = event.kind and mail.channel = 'mail'
            ), kept as (
                insert into notification (tenant_id, user_id, event_id, kind, subject, data, at, listed, digest)
                select tenant_id, user_id, id, kind, subject, data, at, listed, mail = 'daily' from told where listed or mail = 'daily'
                on conflict on constraint notification_pkey do nothing
                returning tenant_id
            ), woken as (
                select pg_notify('saas_live', tenant_id::text || ' notifications') from (select distinct tenant_id from kept) tenant
            )
            select told.id as "event!", told.user_id as "user!: UserId", told.name as "name!", told.email as "email!",
                tenant.name as "organization!", (select count(*) from woken) as woken
            from told join core.tenant tenant on tenant.id = told.tenant_id
            where told.mail = 'now'"#,
            &tenants,
            &ids,
            &kinds,
            &subjects,
            &data,
            &times,
            &actors as &[Option<Uuid>],
            &roles,
            &mails,
            &mandatory,
        )
        .fetch_all(&mut **tx)
        .await?;
        let mail = wanted.into_iter().map(|row| Wanted {
            event: row.event,
            user: row.user,
            name: row.name,
            email: row.email,
            organization: row.organization,
        });
        Ok(mail.collect())
    }

    async fn mail_in(&self, tx: &mut SystemTx, item: &Told<'_>, to: &Wanted) -> Result<(), ConsumerError> {
        let Told { event, tenant, kind, .. } = item;
        let outbox = &self.0.outbox;
        let window = event.at.timestamp().div_euclid(QUIET_SECONDS);
        let cause = format!("{}/{}/{window}", kind.event, event.subject);
        // Too long to be a cause as it is: then each event is its own.
        let cause = if cause.chars().count() <= 200 { cause } else { event.id.to_string() };
        let mut envelope = Envelope::new(&to.email, to.user, cause).named(&to.name);
        if !kind.mandatory {
            envelope = envelope.unsubscribe(unsubscribe::link(outbox, &self.0.keys, *tenant, to.user, kind.event));
        }
        let letter = NoticeLetter {
            text: kind.text,
            args: NoticeKind::arguments(&event.data),
            organization: to.organization.clone(),
            href: outbox.link(&kind.href(&event.subject)),
            preferences: outbox.link("/notifications/preferences"),
        };
        outbox.mail_system_in(tx, Some(*tenant), &envelope, &letter).await?;
        Ok(())
    }
}

/// The person who made it happen, and need not be told.
fn actor(actor: Actor) -> Option<Uuid> {
    match actor {
        Actor::User(id) => Some(id.into()),
        _ => None,
    }
}
