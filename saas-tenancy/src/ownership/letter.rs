use saas_core::{
    TenantTx,
    mail::{Envelope, Letter, Link, MailInError, Outbox},
    pages::Locale,
};
use serde::Serialize;
use uuid::Uuid;

use crate::Member;

/// Tells whoever owned an organization, and whoever owns it now, what happened.
#[derive(Debug, Serialize)]
struct HandedOver<'a> {
    name: &'a str,
    organization: &'a str,
    /// The other of the two.
    other: &'a str,
    /// Whether the reader is the one who owns it now.
    owns: bool,
    href: Link,
}

impl Letter for HandedOver<'_> {
    const TEMPLATE: &'static str = "tenancy/mail/handed_over";
}

/// One letter for each of the two.
pub(super) async fn both_in(
    tx: &mut TenantTx,
    outbox: &Outbox,
    organization: &str,
    old: &Member,
    new: &Member,
    locale: Locale,
) -> Result<(), MailInError> {
    let cause = Uuid::now_v7();
    for (reader, other, owns) in [(old, new, false), (new, old, true)] {
        let envelope = Envelope::new(&reader.email, reader.id, cause).named(&reader.name).reader(reader.id).in_language(locale);
        let letter =
            HandedOver { name: &reader.name, organization, other: &other.name, owns, href: outbox.link_in(tx.tenant(), "/members") };
        outbox.mail_in(tx, &envelope, &letter).await?;
    }
    Ok(())
}
