//! Mail: written in the transaction that is the reason for it, sent once that has happened.
//!
//! A [`Letter`] is a typed value with a template. [`Outbox::mail_in`] renders it in the reader's language with the tenant's [`Brand`] and
//! writes it down in the caller's transaction; a job then hands it to the [`Mailer`]:
//!
//! ```
//! use saas_core::{DbError, TenantTx, mail::{Envelope, Link, MailInError, Outbox, letters::Welcome}};
//!
//! async fn member_added_in(tx: &mut TenantTx, outbox: &Outbox, member: uuid::Uuid) -> Result<(), MailInError> {
//!     let envelope = Envelope::new("ada@example.com", member, "joined").named("Ada");
//!     outbox.mail_in(tx, &envelope, &Welcome { name: "Ada".to_owned(), href: outbox.link("/") }).await?;
//!     Ok(())
//! }
//! ```
//!
//! # What holds
//!
//! * A rollback takes the letter with it; a request waits for a row and never for a mail server.
//! * A second letter of the same kind, about the same and for the same cause, is none.
//! * Each letter has one `Message-ID` from its beginning. A program that is killed between the mail server's answer and its own note of it
//!   sends the letter once more, under the same id.
//! * A server that is away, slow or says 4xx gets it again, with growing distance, for [`GIVE_UP_AFTER`]. While it is away, one letter at a
//!   time finds out whether it is back, and the others [wait](crate::Breaker). What it refuses for good is
//!   `failed`, and if it says that there is no such mailbox, nothing more is sent to that [address](Suppressions) until somebody lifts it. What comes
//!   back later by mail is [read](MailReport), and believed of the one reader of a letter that was sent.
//! * What the letter says is sealed with the master key while it waits and deleted when it has ended.
//! * Links begin with the configured address of the product, whatever a request says: a letter has only [`Link`]s.

mod brand;
mod counts;
mod desk;
mod event;
mod letter;
pub mod letters;
#[cfg(feature = "dev-mail")]
mod mailbox;
mod message;
mod outbox;
mod page;
#[cfg(feature = "dev-mail")]
mod preview;
mod report;
mod sender;
mod smtp;
mod suppression;
mod verdict;

pub use brand::{Brand, Color, ColorError, brand_in, brand_set_in};
pub use counts::MailCounts;
pub use desk::mail_routes;
pub use event::{EVENTS, MailAddressLifted, MailBrandChanged};
pub(crate) use letter::Look;
pub use letter::{Letter, Link};
#[cfg(feature = "dev-mail")]
pub use mailbox::{DevMailbox, KeptMail, KeptMailId};
pub use message::{Mail, MessageId};
pub use outbox::{Envelope, MailInError, Outbox};
pub use report::{MailReport, NoReport, REPORT_MAX, ReportError, Reported};
pub use sender::{GIVE_UP_AFTER, MailOutcome, MailSender, SenderConfig};
pub use smtp::{SmtpError, SmtpMailer, SmtpOptions};
pub use suppression::{Suppression, SuppressionReason, Suppressions};

use async_trait::async_trait;

crate::permissions! {
    /// Choose how the organization's mail looks, and send again to its members what came back.
    pub MailWrite = "mail.write";
}

crate::ids! {
    /// A letter in the outbox.
    pub MailId;
}

/// Hands mail to whoever carries it.
///
/// * It must not return `Ok` before the message is kept by somebody else: a server that accepted it, or a disk.
/// * It must refuse an address, a name or a subject with a control character in it rather than send what that makes of it.
/// * It must send the message under the id that it has.
/// * It must return in a bounded time, whatever the carrier does.
/// * It must not be called inside a transaction: mail cannot be rolled back.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends one message.
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError>;
}

/// Somebody else has the message now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What they said, such as the name under which they keep it.
    pub answer: String,
}

/// A message could not be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// The message itself is wrong; sending it again will not help.
    #[error("the message cannot be sent as it is")]
    Message(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The carrier refused it for good.
    #[error("the mail server refused the message")]
    Refused {
        /// What it said; it may repeat the address.
        answer: String,
        /// Whether it said that there is no such mailbox.
        no_such_mailbox: bool,
    },
    /// The carrier is away or cannot take anything now; sending it again may help.
    #[error("the mail server did not take the message")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The carrier works and does not take this message yet, for what lies with its reader, such as greylisting; sending it again may help.
    #[error("the mail server does not take a message to this address yet")]
    Later(#[source] Box<dyn std::error::Error + Send + Sync>),
}
