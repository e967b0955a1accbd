//! The letters of this crate, written in the transaction that is their reason, in the language that the reader chose or else the request's.

mod email_change;
mod second_factor;

use std::fmt::{Display, Write as _};

use chrono::TimeDelta;
use saas_core::{
    SignedIn, SystemTx, Token, TokenHash, UserId,
    mail::{
        Envelope, Letter, Link, MailInError, Outbox,
        letters::{Reset, SecurityEvent, SecurityNotice, Verification},
    },
    pages::{Locale, Pages},
};
use second_factor::SecondFactorOff;
use serde::Serialize;

use crate::{
    Email,
    account::{BoundToken, LINK_LIFETIME},
    session::device_text,
};

/// Writes letters for one request: in its language, where their reader chose none.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    outbox: Outbox,
    pages: Pages,
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

/// Lets somebody sign in who others have locked out by guessing.
#[derive(Debug, Serialize)]
struct SignIn {
    name: String,
    href: Link,
    minutes: i64,
}

impl Letter for SignIn {
    const TEMPLATE: &'static str = "auth/mail/sign_in";
}

/// Says that there is no account with an address that somebody entered.
#[derive(Debug, Serialize)]
struct Unknown {
    href: Link,
}

impl Letter for Unknown {
    const TEMPLATE: &'static str = "auth/mail/unknown";
}

/// Whose letter it is: the account, and the token that it was counted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) user: UserId,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> From<&'a SignedIn> for Reader<'a> {
    fn from(me: &'a SignedIn) -> Self {
        Self { user: me.user, email: &me.email, name: &me.name }
    }
}

impl Letters {
    /// `next` is a checked path, to go to after the link.
    pub(crate) fn new(outbox: Outbox, pages: Pages, locale: Locale, next: Option<String>) -> Self {
        Self { outbox, pages, locale, next }
    }

    /// Asks to confirm an address.
    pub(crate) async fn verify_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        let mut href = self.outbox.link("/verify").with("token", token.text().expose());
        if let Some(next) = &self.next {
            href = href.with("next", next);
        }
        let letter = Verification { name: reader.name.to_owned(), href, hours: LINK_LIFETIME.num_hours() };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
    }

    /// Says that somebody signed up with an address that has an account.
    pub(crate) async fn known_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        self.mail_in(tx, reader, hex(&token.hash()), &Already { name: reader.name, href: self.outbox.link("/sign-in") }).await
    }

    /// Gives somebody a link.
    pub(crate) async fn link_in(
        &self,
        tx: &mut SystemTx,
        kind: BoundToken,
        reader: Reader<'_>,
        token: &Token,
        lifetime: TimeDelta,
    ) -> Result<(), MailInError> {
        let (name, minutes, cause) = (reader.name.to_owned(), lifetime.num_minutes(), hex(&token.hash()));
        let link = |path, parameter| self.outbox.link(path).with(parameter, token.text().expose());
        match kind {
            BoundToken::Reset => self.mail_in(tx, reader, cause, &Reset { name, href: link("/reset", "token"), minutes }).await,
            BoundToken::SignIn => self.mail_in(tx, reader, cause, &SignIn { name, href: link("/sign-in", "link"), minutes }).await,
            BoundToken::SecondFactorOff => {
                let href = link("/account/second-factor/off", "token");
                self.mail_in(tx, reader, cause, &SecondFactorOff { name, href, minutes }).await
            }
        }
    }

    /// Says that there is no account with this address. `token` stands for the one that whoever has an account gets.
    pub(crate) async fn unknown_in(&self, tx: &mut SystemTx, email: &Email, token: &Token) -> Result<(), MailInError> {
        let envelope = Envelope::new(email.as_str(), "unknown", hex(&token.hash())).in_language(self.locale);
        self.outbox.mail_system_in(tx, None, &envelope, &Unknown { href: self.outbox.link("/sign-up") }).await?;
        Ok(())
    }

    /// Says that the password was changed, from where and with what.
    pub(crate) async fn password_changed_in(&self, tx: &mut SystemTx, reader: Reader<'_>, cause: impl Display) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::PasswordChanged, cause).await
    }

    async fn notice_in(&self, tx: &mut SystemTx, reader: Reader<'_>, what: SecurityEvent, cause: impl Display) -> Result<(), MailInError> {
        let origin = tx.origin();
        let letter = SecurityNotice {
            name: reader.name.to_owned(),
            what,
            at: tx.now(),
            address: origin.address.map(|address| address.to_string()),
            device: origin.user_agent.as_deref().and_then(|user_agent| device_text(&self.pages.texts(self.locale), user_agent)),
            href: self.outbox.link("/account/security"),
        };
        self.mail_in(tx, reader, cause, &letter).await
    }

    async fn mail_in<L: Letter>(&self, tx: &mut SystemTx, reader: Reader<'_>, cause: impl Display, letter: &L) -> Result<(), MailInError> {
        let envelope = Envelope::new(reader.email, reader.user, cause).named(reader.name).reader(reader.user).in_language(self.locale);
        self.outbox.mail_system_in(tx, None, &envelope, letter).await?;
        Ok(())
    }
}

/// A token's hash as the cause of a letter.
pub(crate) fn hex(hash: &TokenHash) -> String {
    hash.as_bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok());
        text
    })
}
