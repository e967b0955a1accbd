use chrono::{DateTime, Utc};
use saas_core::{
    SystemTx, TenantId, UserId,
    mail::{Envelope, Letter, Link, MailInError, Outbox},
};
use serde::Serialize;
use uuid::Uuid;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// It will be in 30 days.
    Begun,
    /// It will be in a few days.
    Soon,
    /// It will not be.
    Stopped,
    /// It is done.
    Done,
}

/// What all owners of an organization are told.
pub(super) struct Reason<'a> {
    pub(super) organization: TenantId,
    pub(super) name: &'a str,
    pub(super) stage: Stage,
    /// When the organization is deleted, if it will be.
    pub(super) until: Option<DateTime<Utc>>,
    /// What makes it one letter.
    pub(super) cause: String,
}

#[derive(Debug, Serialize)]
struct Deletion<'a> {
    name: &'a str,
    organization: &'a str,
    stage: Stage,
    href: Link,
    until: Option<DateTime<Utc>>,
}

impl Letter for Deletion<'_> {
    const TEMPLATE: &'static str = "tenancy/mail/deletion";
}

/// One letter for each owner. The last one is the program's own, since nothing of the organization stays.
pub(super) async fn owners_told_in(tx: &mut SystemTx, outbox: Option<&Outbox>, reason: &Reason<'_>) -> Result<(), MailInError> {
    let Some(outbox) = outbox else { return Ok(()) };
    let owners = sqlx::query!(
        r#"select user_id as "user_id: UserId", name, email
        from core.member
        where tenant_id = $1 and role = 'owner' and left_at is null"#,
        Uuid::from(reason.organization),
    )
    .fetch_all(&mut **tx)
    .await?;
    let sender = (reason.stage != Stage::Done).then_some(reason.organization);
    for owner in owners {
        let cause = format!("{} {}", reason.organization, reason.cause);
        let envelope = Envelope::new(&owner.email, owner.user_id, cause).named(&owner.name).reader(owner.user_id);
        let letter = Deletion {
            name: &owner.name,
            organization: reason.name,
            stage: reason.stage,
            href: outbox.link("/organizations"),
            until: reason.until,
        };
        outbox.mail_system_in(tx, sender, &envelope, &letter).await?;
    }
    Ok(())
}
