//! The letters about running the product.

use saas_core::{
    SystemTx,
    mail::{
        MailInError,
        letters::{SecurityEvent, SecurityNotice},
    },
    operator::OperatorRole,
};
use uuid::Uuid;

use super::{Letters, Reader};

impl Letters {
    /// Says that the reader is one of those who run the product from now on, or in another role.
    pub(crate) async fn operator_granted_in(&self, tx: &mut SystemTx, reader: Reader<'_>, role: OperatorRole) -> Result<(), MailInError> {
        let notice = SecurityNotice { role: Some(role), ..self.notice(tx, reader, SecurityEvent::OperatorGranted) };
        self.mail_in(tx, reader, Uuid::now_v7(), &notice).await
    }

    /// Says that they are so no more.
    pub(crate) async fn operator_revoked_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::OperatorRevoked, Uuid::now_v7()).await
    }
}
