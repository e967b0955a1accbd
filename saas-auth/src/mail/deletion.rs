//! The letters about the end of an account.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use saas_core::{
    SystemTx, Token,
    mail::{Letter, Link, MailInError},
};
use serde::Serialize;

use super::{Letters, Reader, hex};
use crate::account::DELETION_LINK_LIFETIME;

/// How far it has come.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// It was asked for; the link confirms it.
    Asked,
    /// It will be in 30 days.
    Begun,
    /// It will be in a few days.
    Soon,
    /// It will not be.
    Stopped,
    /// It is done.
    Done,
}

#[derive(Debug, Serialize)]
struct Deletion<'a> {
    name: &'a str,
    stage: Stage,
    href: Link,
    /// When the account is deleted, once that is known.
    until: Option<DateTime<Utc>>,
    hours: i64,
}

impl Letter for Deletion<'_> {
    const TEMPLATE: &'static str = "auth/mail/deletion";
}

impl Letters {
    /// Asks whether the account is to be deleted.
    pub(crate) async fn deletion_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &Token) -> Result<(), MailInError> {
        let href = self.outbox.link("/account/deletion/confirm").with("token", token.text().expose());
        self.stage_in(tx, reader, hex(&token.hash()), Stage::Asked, href, None).await
    }

    /// Says that the account will be deleted, unless its person comes back.
    pub(crate) async fn leaving_in(
        &self,
        tx: &mut SystemTx,
        reader: Reader<'_>,
        cause: impl Display,
        until: DateTime<Utc>,
    ) -> Result<(), MailInError> {
        self.stage_in(tx, reader, format!("begun {cause}"), Stage::Begun, self.outbox.link("/sign-in"), Some(until)).await
    }

    /// Says so once more, shortly before.
    pub(crate) async fn leaving_soon_in(&self, tx: &mut SystemTx, reader: Reader<'_>, until: DateTime<Utc>) -> Result<(), MailInError> {
        let cause = format!("soon {}", until.timestamp());
        self.stage_in(tx, reader, cause, Stage::Soon, self.outbox.link("/sign-in"), Some(until)).await
    }

    /// Says that the account is kept.
    pub(crate) async fn stayed_in(&self, tx: &mut SystemTx, reader: Reader<'_>, cause: impl Display) -> Result<(), MailInError> {
        self.stage_in(tx, reader, cause, Stage::Stopped, self.outbox.link("/account/security"), None).await
    }

    /// Says that the account is no more.
    pub(crate) async fn erased_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.stage_in(tx, reader, "done", Stage::Done, self.outbox.link("/sign-up"), None).await
    }

    async fn stage_in(
        &self,
        tx: &mut SystemTx,
        reader: Reader<'_>,
        cause: impl Display,
        stage: Stage,
        href: Link,
        until: Option<DateTime<Utc>>,
    ) -> Result<(), MailInError> {
        let letter = Deletion { name: reader.name, stage, href, until, hours: DELETION_LINK_LIFETIME.num_hours() };
        self.mail_in(tx, reader, cause, &letter).await
    }
}
