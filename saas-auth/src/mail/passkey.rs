//! The notices about passkeys.

use saas_core::{
    SystemTx,
    mail::{MailInError, letters::SecurityEvent},
};
use uuid::Uuid;

use super::{Letters, Reader};
use crate::PasskeyId;

impl Letters {
    /// Says that a passkey opens the account from now on.
    pub(crate) async fn passkey_added_in(&self, tx: &mut SystemTx, reader: Reader<'_>) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::PasskeyAdded, Uuid::now_v7()).await
    }

    /// Says that this passkey does no more.
    pub(crate) async fn passkey_removed_in(&self, tx: &mut SystemTx, reader: Reader<'_>, id: PasskeyId) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::PasskeyRemoved, id).await
    }

    /// Says that there is a copy of this passkey, and that it opens nothing any more.
    pub(crate) async fn passkey_copied_in(&self, tx: &mut SystemTx, reader: Reader<'_>, id: PasskeyId) -> Result<(), MailInError> {
        self.notice_in(tx, reader, SecurityEvent::PasskeyCopied, id).await
    }
}
