//! The letters of this crate, written in the transaction that is their reason, in the language that the reader chose or else the request's.

mod deletion;
mod email_change;
mod export;
mod operator;
#[cfg(feature = "passkeys")]
mod passkey;
mod provider;
mod second_factor;

use std::fmt::{Display, Write as _};

use chrono::TimeDelta;
use saas_core::{
    SignedIn, SystemTx, Token, TokenHash, UserId,
    mail::{
        Envelope, Letter, Link, MailInError, Outbox,
        letters::{Reset, SecurityEvent, SecurityNotice, Verification, Welcome},
    },
    pages::{Locale, Pages, device_text},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Email,
    account::{LINK_LIFETIME, MailedCode},
};

/// Writes letters for one request: in its language, where their reader chose none.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    outbox: Outbox,
    pages: Pages,
    locale: Locale,
    next: Option<String>,
    home: String,
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

/// Lets somebody sign in, by a link or by a code.
#[derive(Debug, Serialize)]
struct SignIn<'a> {
    name: &'a str,
    href: Link,
    code: String,
    minutes: i64,
    /// Whether the mail is enough; else others have locked them out by guessing, and their password is asked for beside it.
    is_enough: bool,
}

impl Letter for SignIn<'_> {
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
    /// `next` is a checked path, to go to after the link; `home` the one where everybody else goes who signs in.
    pub(crate) fn new(outbox: Outbox, pages: Pages, locale: Locale, next: Option<String>, home: &str) -> Self {
        Self { outbox, pages, locale, next, home: home.to_owned() }
    }

    /// Asks to confirm an address.
    pub(crate) async fn verify_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        let href = self.onward(self.outbox.link("/verify").with("token", token.text().expose()));
        let letter = Verification { name: reader.name.to_owned(), href, hours: LINK_LIFETIME.num_hours() };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
    }

    /// Greets somebody whose account is theirs now, once. It leads to where everybody goes who signs in: whoever was invited has nothing to found.
    pub(crate) async fn welcome_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        let letter = Welcome { name: reader.name.to_owned(), href: self.outbox.link(&self.home) };
        self.mail_in(tx, reader, "verified", &letter).await
    }

    /// Says that somebody signed up with an address that has an account.
    pub(crate) async fn known_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        self.mail_in(tx, reader, hex(&token.hash()), &Already { name: reader.name, href: self.outbox.link("/sign-in") }).await
    }

    /// Lets somebody choose another password.
    pub(crate) async fn reset_in(
        &self,
        tx: &mut SystemTx,
        reader: Reader<'_>,
        token: &Token,
        lifetime: TimeDelta,
    ) -> Result<(), MailInError> {
        let href = self.outbox.link("/reset").with("token", token.text().expose());
        let letter = Reset { name: reader.name.to_owned(), href, minutes: lifetime.num_minutes() };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
    }

    /// Lets somebody sign in.
    pub(crate) async fn sign_in_in(
        &self,
        tx: &mut SystemTx,
        reader: Reader<'_>,
        token: &Token,
        code: &MailedCode,
        lifetime: TimeDelta,
        is_enough: bool,
    ) -> Result<(), MailInError> {
        let href = self.onward(self.outbox.link("/sign-in/link").with("token", token.text().expose()));
        let letter = SignIn { name: reader.name, href, code: code.text(), minutes: lifetime.num_minutes(), is_enough };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
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

    /// Says that a token of a program, which its owner calls `program`, was copied, and so lost its access.
    pub(crate) async fn token_reused_in(
        &self,
        tx: &mut SystemTx,
        reader: Reader<'_>,
        program: Option<String>,
        cause: impl Display,
    ) -> Result<(), MailInError> {
        let notice = SecurityNotice { program, ..self.notice(tx, reader, SecurityEvent::TokenReused) };
        self.mail_in(tx, reader, cause, &notice).await
    }

    /// Says that whoever runs the product ended all that the reader was signed in with.
    pub(crate) async fn sessions_ended_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::SessionsEnded, Uuid::now_v7()).await
    }

    /// Says that an account elsewhere opens the reader's from now on.
    pub(crate) async fn identity_linked_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::IdentityLinked, Uuid::now_v7()).await
    }

    /// Says that it does no more.
    pub(crate) async fn identity_unlinked_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::IdentityUnlinked, Uuid::now_v7()).await
    }

    /// A link that remembers where its reader was going.
    fn onward(&self, href: Link) -> Link {
        match &self.next {
            Some(next) => href.with("next", next),
            None => href,
        }
    }

    async fn notice_in(&self, tx: &mut SystemTx, reader: Reader<'_>, what: SecurityEvent, cause: impl Display) -> Result<(), MailInError> {
        let letter = self.notice(tx, reader, what);
        self.mail_in(tx, reader, cause, &letter).await
    }

    fn notice(&self, tx: &SystemTx, reader: Reader<'_>, what: SecurityEvent) -> SecurityNotice {
        let origin = tx.origin();
        SecurityNotice {
            name: reader.name.to_owned(),
            what,
            role: None,
            program: None,
            at: tx.now(),
            address: origin.address.map(|address| address.to_string()),
            device: origin.user_agent.as_deref().and_then(|user_agent| device_text(&self.pages.texts(self.locale), user_agent)),
            href: self.outbox.link("/account/security"),
            reset: self.outbox.link("/reset"),
        }
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
