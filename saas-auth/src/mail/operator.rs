//! The letters about running the product.

use saas_core::{
    SystemTx,
    mail::{MailInError, letters::SecurityEvent},
};
use uuid::Uuid;

use super::{Letters, Reader};

impl Letters {
    /// Says that the reader is one of those who run the product from now on, or in another role.
    pub(crate) async fn operator_granted_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::OperatorGranted, Uuid::now_v7()).await
    }

    /// Says that they are so no more.
    pub(crate) async fn operator_revoked_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::OperatorRevoked, Uuid::now_v7()).await
    }
}
