use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::query;
use uuid::Uuid;

use super::{Channel, News, NoticeKind};
use crate::{ConsumerError, SystemTx};

/// The list inside the product: a row for each person and event. What waits for the daily mail is a row too, listed or not.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ListChannel;

#[async_trait]
impl Channel for ListChannel {
    fn name(&self) -> &'static str {
        "notifications.list"
    }

    /// Writes the rows and wakes the lists that are open.
    async fn tell_in(&self, tx: &mut SystemTx, news: &[News<'_>]) -> Result<(), ConsumerError> {
        let tenants: Vec<Uuid> = news.iter().map(|it| it.tenant.into()).collect();
        let ids: Vec<Uuid> = news.iter().map(|it| it.event.id.into()).collect();
        let kinds: Vec<String> = news.iter().map(|it| it.kind.event.to_owned()).collect();
        let subjects: Vec<String> = news.iter().map(|it| it.event.subject.clone()).collect();
        let data: Vec<Value> = news.iter().map(|it| Value::Object(NoticeKind::arguments(&it.event.data))).collect();
        let times: Vec<DateTime<Utc>> = news.iter().map(|it| it.event.at).collect();
        let actors: Vec<Option<Uuid>> = news.iter().map(News::person).collect();
        let roles: Vec<String> = news.iter().map(|it| it.roles.join(" ")).collect();
        let mails: Vec<String> = news.iter().map(|it| it.kind.mail.as_str().to_owned()).collect();
        let mandatory: Vec<bool> = news.iter().map(|it| it.kind.mandatory).collect();
        let permissions: Vec<String> = news.iter().map(|it| it.permission.to_owned()).collect();
        query!(
            r#"with told as (
                select event.tenant_id, member.user_id, event.id, event.kind, event.subject, event.data, event.at,
                    event.permission,
                    event.mandatory or coalesce(list.frequency, 'now') = 'now' as listed,
                    case when event.mandatory then event.mail else coalesce(mail.frequency, event.mail) end = 'daily' as digest
                from unnest(
                    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[], $7::uuid[], $8::text[], $9::text[],
                    $10::boolean[], $11::text[]
                ) event (tenant_id, id, kind, subject, data, at, actor, roles, mail, mandatory, permission)
                join core.member member on member.tenant_id = event.tenant_id and member.left_at is null
                    and (member.role = any(string_to_array(event.roles, ' ')) or exists (
                        select from core.role own
                        where own.tenant_id = member.tenant_id and own.name = member.role and event.permission = any(own.permissions)
                    ))
                    and member.user_id is distinct from event.actor
                left join notification_preference list on list.tenant_id = event.tenant_id and list.user_id = member.user_id
                    and list.kind = event.kind and list.channel = 'list'
                left join notification_preference mail on mail.tenant_id = event.tenant_id and mail.user_id = member.user_id
                    and mail.kind = event.kind and mail.channel = 'mail'
            ), kept as (
                insert into notification (tenant_id, user_id, event_id, kind, subject, data, at, listed, digest)
                select tenant_id, user_id, id, kind, subject, data, at, listed, digest from told where listed or digest
                on conflict on constraint notification_pkey do nothing
                returning tenant_id, event_id
            )
            select pg_notify('saas_live', concat_ws(' ', tenant_id, permission, 'notifications'))
            from (select distinct told.tenant_id, told.permission from told join kept on kept.tenant_id = told.tenant_id and kept.event_id = told.id) news"#,
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
            &permissions,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
