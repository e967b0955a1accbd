//! Mail leaves through a seam.

mod mailbox;
mod smtp;

pub use mailbox::{DevMailbox, KeptMail};
pub use smtp::{SmtpError, SmtpMailer};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// One message to one person, rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The address of the reader.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The message for readers that show no HTML.
    pub text: String,
    /// The message.
    pub html: String,
}

/// Hands mail to whoever carries it.
///
/// * It must not return `Ok` before the message is kept by somebody else: a server that accepted it, or a disk.
/// * It must refuse an address or a subject with a line break in it rather than send what that makes of it.
/// * It must not be called inside a transaction: mail cannot be rolled back.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends one message.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// A message could not be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The message itself is wrong; sending it again will not help.
    #[error("the message cannot be sent as it is")]
    Message(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The carrier is away or refused; sending it again may help.
    #[error("the mail server did not take the message")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Checks what every mailer must refuse.
fn check(mail: &Mail) -> Result<(), MailError> {
    let broken = |text: &str| text.contains(['\r', '\n', '\0']);
    if broken(&mail.to) || broken(&mail.subject) {
        return Err(MailError::Message("a line break in a header".into()));
    }
    mail.to.parse::<lettre::Address>().map(drop).map_err(|error| MailError::Message(error.into()))
}
