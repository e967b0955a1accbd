use std::time::Duration;

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};

use super::{Mail, MailError, Mailer, check};
use crate::Secret;

/// Sends through an SMTP server: `smtps://user:password@host` or `smtp://host?tls=required` (a plain `smtp://` sends unencrypted, which
/// suits a relay on the same machine).
#[derive(Debug, Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// Connects when the first message is sent.
    ///
    /// # Errors
    ///
    /// Fails if the server's address or the sender cannot be read.
    pub fn new(url: &Secret, from: &str) -> Result<Self, SmtpError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
            .map_err(|_| SmtpError::Url)?
            .timeout(Some(Duration::from_secs(20)))
            .build();
        Ok(Self { transport, from: from.parse().map_err(SmtpError::From)? })
    }
}

/// The mail server's settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// The address of the server; it is not repeated, since it holds a password.
    #[error("SMTP_URL is not an address such as smtps://user:password@mail.example.com")]
    Url,
    /// The sender.
    #[error("MAIL_FROM is not an address such as \"Product <no-reply@example.com>\"")]
    From(#[source] lettre::address::AddressError),
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        check(mail)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(mail.to.parse().map_err(|error: lettre::address::AddressError| MailError::Message(error.into()))?)
            .subject(&mail.subject)
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| MailError::Message(error.into()))?;
        self.transport
            .send(message)
            .await
            .map(drop)
            .map_err(|error| if error.is_permanent() { MailError::Message(error.into()) } else { MailError::Transport(error.into()) })
    }
}
