//! The letters about a second factor.

use saas_core::{
    SystemTx, TokenHash,
    mail::{Letter, Link, MailInError, letters::SecurityEvent},
};
use serde::Serialize;
use uuid::Uuid;

use super::{Letters, Reader, hex};

/// Asks whether a second factor is to go.
#[derive(Debug, Serialize)]
pub(super) struct SecondFactorOff {
    pub(super) name: String,
    pub(super) href: Link,
    pub(super) minutes: i64,
}

impl Letter for SecondFactorOff {
    const TEMPLATE: &'static str = "auth/mail/second_factor_off";
}

impl Letters {
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
