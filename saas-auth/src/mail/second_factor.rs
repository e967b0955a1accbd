//! The letters about a second factor.

use chrono::TimeDelta;
use saas_core::{
    SystemTx, Token, TokenHash,
    mail::{Letter, Link, MailInError, letters::SecurityEvent},
};
use serde::Serialize;
use uuid::Uuid;

use super::{Letters, Reader, hex};

/// Asks whether a second factor is to go.
#[derive(Debug, Serialize)]
struct SecondFactorOff {
    name: String,
    href: Link,
    minutes: i64,
}

impl Letter for SecondFactorOff {
    const TEMPLATE: &'static str = "auth/mail/second_factor_off";
}

impl Letters {
    /// Lets somebody turn their second factor off.
    pub(crate) async fn second_factor_off_link_in(
        &self,
        tx: &mut SystemTx,
        reader: Reader<'_>,
        token: &Token,
        lifetime: TimeDelta,
    ) -> Result<(), MailInError> {
        let href = self.outbox.link("/account/second-factor/off").with("token", token.text().expose());
        let letter = SecondFactorOff { name: reader.name.to_owned(), href, minutes: lifetime.num_minutes() };
        self.mail_in(tx, reader, hex(&token.hash()), &letter).await
    }

    /// Says that the second factor is gone, because of the link with this token.
    pub(crate) async fn second_factor_off_in(&self, tx: &mut SystemTx, reader: Reader<'_>, token: &TokenHash) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::FactorRemoved, hex(token)).await
    }

    /// Says that there is a second factor, or another one.
    pub(crate) async fn second_factor_on_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::FactorAdded, Uuid::now_v7()).await
    }

    /// Says that the backup codes are others.
    pub(crate) async fn backup_codes_renewed_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::BackupCodesRenewed, Uuid::now_v7()).await
    }

    /// Says that a backup code was used.
    pub(crate) async fn backup_code_used_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::BackupCodeUsed, Uuid::now_v7()).await
    }

    /// Says that so many codes were wrong that no more are tried: whoever entered them knows the password.
    pub(crate) async fn codes_refused_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::CodesRefused, Uuid::now_v7()).await
    }
}
