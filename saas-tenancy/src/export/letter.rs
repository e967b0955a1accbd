use saas_core::{
    TenantTx, UserId,
    mail::{Envelope, Letter, Link, MailInError, Outbox},
};
use serde::Serialize;
use uuid::Uuid;

use super::LIFETIME;

/// Whoever asked for the data of their organization.
pub(super) struct Owner {
    pub(super) id: UserId,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) organization: String,
}

/// Says where an owner finds the data of their organization. The link is no key: whoever follows it shows that they own the organization.
#[derive(Debug, Serialize)]
struct Packed<'a> {
    name: &'a str,
    organization: &'a str,
    href: Link,
    hours: i64,
}

impl Letter for Packed<'_> {
    const TEMPLATE: &'static str = "tenancy/mail/export";
}

pub(super) async fn ready_in(tx: &mut TenantTx, outbox: &Outbox, owner: &Owner, export: Uuid) -> Result<(), MailInError> {
    let envelope = Envelope::new(&owner.email, owner.id, export).named(&owner.name).reader(owner.id);
    let letter = Packed {
        name: &owner.name,
        organization: &owner.organization,
        href: outbox.link_in(tx.tenant(), "/organization/data"),
        hours: LIFETIME.num_hours(),
    };
    outbox.mail_in(tx, &envelope, &letter).await?;
    Ok(())
}
