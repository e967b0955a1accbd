//! The letters of this crate, written in the transaction that is their reason, in the reader's language.

use std::fmt::Write as _;

use saas_core::{
    SystemTx, TokenHash, UserId,
    mail::{Envelope, Letter, Link, MailInError, Outbox, letters::Verification},
    pages::Locale,
};
use serde::Serialize;

use crate::account::LINK_LIFETIME;

/// Writes letters for one request: in its language.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    outbox: Outbox,
    locale: Locale,
    next: Option<String>,
}

/// Says that somebody signed up with an address that has an account.
#[derive(Debug, Serialize)]
struct Already<'a> {
    name: &'a str,
    href: Link,
}

impl Letter for Already<'_> {
    const TEMPLATE: &'static str = "auth/mail/already";
}

/// Whose letter it is: the account, and the token that it was counted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) user: UserId,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
}

impl Letters {
    /// `next` is a checked path, to go to after the link.
    pub(crate) fn new(outbox: Outbox, locale: Locale, next: Option<String>) -> Self {
        Self { outbox, locale, next }
    }

    /// Asks to confirm an address.
    pub(crate) async fn verify_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &saas_core::Token) -> Result<(), MailInError> {
        let mut href = self.outbox.link("/verify").with("token", token.text().expose());
        if let Some(next) = &self.next {
            href = href.with("next", next);
        }
        let letter = Verification { name: reader.name.to_owned(), href, hours: LINK_LIFETIME.num_hours() };
        self.mail_in(tx, reader, &token.hash(), &letter).await
    }

    /// Says that somebody signed up with an address that has an account.
    pub(crate) async fn known_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &saas_core::Token) -> Result<(), MailInError> {
        self.mail_in(tx, reader, &token.hash(), &Already { name: reader.name, href: self.outbox.link("/sign-in") }).await
    }

    async fn mail_in<L: Letter>(&self, tx: &mut SystemTx, reader: Reader<'_>, cause: &TokenHash, letter: &L) -> Result<(), MailInError> {
        let envelope = Envelope::new(reader.email, reader.user, hex(cause)).named(reader.name).in_language(self.locale);
        self.outbox.mail_system_in(tx, None, &envelope, letter).await?;
        Ok(())
    }
}

fn hex(hash: &TokenHash) -> String {
    hash.as_bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok());
        text
    })
}
