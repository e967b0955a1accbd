//! The letter about an export.

use saas_core::{
    SystemTx, Token,
    mail::{Letter, Link, MailInError},
};
use serde::Serialize;

use super::{Letters, Reader, hex};
use crate::account::EXPORT_LIFETIME;

/// Says where somebody finds the data that they asked for.
#[derive(Debug, Serialize)]
struct Export<'a> {
    name: &'a str,
    href: Link,
    hours: i64,
}

impl Letter for Export<'_> {
    const TEMPLATE: &'static str = "auth/mail/export";
}

impl Letters {
    /// Says where somebody finds the data that they asked for.
    pub(crate) async fn export_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        let href = self.outbox.link("/account/export").with("token", token.text().expose());
        let letter = Export { name: reader.name, href, hours: EXPORT_LIFETIME.num_hours() };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
    }
}
