//! The letters about a change of address.

use saas_core::{
    SystemTx, Token, UserId,
    mail::{Envelope, Letter, Link, MailInError, letters::SecurityEvent},
};
use serde::Serialize;

use super::{Letters, Reader, hex};
use crate::account::LINK_LIFETIME;

/// Asks whoever reads the new address to confirm it. Their name is not in it: it would be mailed to whoever's address was entered.
#[derive(Debug, Serialize)]
struct EmailNew {
    href: Link,
    hours: i64,
}

impl Letter for EmailNew {
    const TEMPLATE: &'static str = "auth/mail/email_new";
}

/// Asks whoever reads the old address whether it is to change.
#[derive(Debug, Serialize)]
struct EmailOld<'a> {
    name: &'a str,
    email: &'a str,
    href: Link,
    hours: i64,
}

impl Letter for EmailOld<'_> {
    const TEMPLATE: &'static str = "auth/mail/email_old";
}

/// Says that somebody wants the address of an account for another one.
#[derive(Debug, Serialize)]
struct EmailTaken<'a> {
    name: &'a str,
    href: Link,
}

impl Letter for EmailTaken<'_> {
    const TEMPLATE: &'static str = "auth/mail/email_taken";
}

impl Letters {
    /// Asks whoever reads the new address to confirm it.
    pub(crate) async fn email_new_in(&self, tx: &mut SystemTx, user: UserId, email: &str, token: &Token) -> Result<(), MailInError> {
        let envelope = Envelope::new(email, user, hex(&token.hash())).reader(user).in_language(self.locale);
        let letter = EmailNew { href: self.change_link(token), hours: LINK_LIFETIME.num_hours() };
        self.outbox.mail_system_in(tx, None, &envelope, &letter).await?;
        Ok(())
    }

    /// Asks whoever reads the old address whether it is to change to `email`.
    pub(crate) async fn email_old_in(&self, tx: &mut SystemTx, reader: Reader<'_>, email: &str, token: &Token) -> Result<(), MailInError> {
        let letter = EmailOld { name: reader.name, email, href: self.change_link(token), hours: LINK_LIFETIME.num_hours() };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
    }

    /// Says that somebody wants the address for another account. `token` stands for the one that another reader would have got.
    pub(crate) async fn email_taken_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        self.mail_in(tx, reader, hex(&token.hash()), &EmailTaken { name: reader.name, href: self.outbox.link("/sign-in") }).await
    }

    /// Says at the old address that it is the account's no more, from where and with what that was done.
    pub(crate) async fn email_changed_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::EmailChanged, hex(&token.hash())).await
    }

    fn change_link(&self, token: &Token) -> Link {
        self.outbox.link("/account/email/confirm").with("token", token.text().expose())
    }
}
