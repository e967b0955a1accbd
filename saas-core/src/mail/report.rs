//! Reports about letters that come back by mail: one could not be delivered (RFC 3464), or its reader complained (RFC 5965).
//!
//! Anybody can write such a mail. So it is read here, and believed only about a letter that was sent, and of nobody but its reader: see
//! [`Suppressions::report_in`](super::Suppressions::report_in).

mod believed;
mod parts;

pub use believed::{ReportError, Reported};

use mail_parser::{Message, MimeHeaders as _};
use uuid::Uuid;

use self::parts::{Part, field, fields, head, parts};
use super::{
    MessageId,
    verdict::{Verdict, reported},
};

/// How large a message is that is read, in bytes. A report with the letter that it returns is a tenth of it.
pub const REPORT_MAX: usize = 1 << 20;

/// Of how many addresses a report is read. Our letters go to one each, which may pass them on to some more.
const ADDRESSES_MAX: usize = 50;

/// What a message says of a letter: a stranger's word, before [`report_in`](super::Suppressions::report_in) has compared it with what was sent.
///
/// ```
/// use saas_core::mail::{MailReport, NoReport};
///
/// assert_eq!(MailReport::read(b"Subject: Hello\n\nHow are you?\n"), Err(NoReport::Other));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailReport {
    letter: Uuid,
    message_id: MessageId,
    says: Says,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Says {
    /// What became of it, at each address that is named.
    Delivery(Vec<Delivery>),
    /// Somebody complained: one of these or, if their mail provider keeps that to itself, whoever it was sent to.
    Complaint(Vec<String>),
    /// Something else that somebody thinks of it.
    Opinion,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Delivery {
    /// Where it ended. If that is not where it was sent, its reader has mail passed on.
    address: String,
    verdict: Verdict,
    answer: String,
}

/// A message is no report that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoReport {
    /// It is larger than [`REPORT_MAX`].
    #[error("the message is larger than a report is")]
    TooLarge,
    /// It is some other mail.
    #[error("the message is no report about a letter")]
    Other,
    /// It ends before its last part does.
    #[error("the report is cut off")]
    CutOff,
    /// It returns no letter, or one whose id was not made here.
    #[error("the report does not return one of our letters")]
    NoLetter,
    /// It says nothing of any address.
    #[error("the report says nothing of any address")]
    NoReader,
}

impl MailReport {
    /// Reads a message as a mail server hands it on, with the line that some write before it (`From sender date`) or without.
    ///
    /// Only its own parts are looked at: what is nested in them says nothing, and costs nothing but being passed over.
    ///
    /// # Errors
    ///
    /// Fails if it is no report, or does not return a letter that was made here.
    pub fn read(message: &[u8]) -> Result<Self, NoReport> {
        if message.len() > REPORT_MAX {
            return Err(NoReport::TooLarge);
        }
        let (top, body) = head(without_envelope(message));
        let top = fields(top).ok_or(NoReport::Other)?;
        let kind = top.content_type().filter(|_| top.is_content_type("multipart", "report")).ok_or(NoReport::Other)?;
        let parts = parts(body, kind.attribute("boundary").ok_or(NoReport::Other)?).ok_or(NoReport::CutOff)?;
        let says = match kind.attribute("report-type").map(str::to_ascii_lowercase).as_deref() {
            Some("delivery-status") => delivery(&parts),
            Some("feedback-report") => feedback(&parts),
            _ => None,
        };
        let says = says.ok_or(NoReport::Other)?;
        if matches!(&says, Says::Delivery(all) if all.is_empty()) {
            return Err(NoReport::NoReader);
        }
        let (letter, message_id) = parts.iter().find(|part| part.is_one_of(RETURNED)).and_then(returned).ok_or(NoReport::NoLetter)?;
        Ok(Self { letter, message_id, says })
    }
}

/// How a report returns the letter that it is about, or the head of it.
const RETURNED: &[(&str, &str)] = &[
    ("message", "rfc822"),
    ("message", "global"),
    ("text", "rfc822-headers"),
    ("message", "rfc822-headers"),
    ("message", "global-headers"),
];
const STATUS: &[(&str, &str)] = &[("message", "delivery-status"), ("message", "global-delivery-status")];
const FEEDBACK: &[(&str, &str)] = &[("message", "feedback-report")];

/// Some mail servers write the envelope's sender into a line of its own before what they hand to a program.
fn without_envelope(message: &[u8]) -> &[u8] {
    match message.iter().position(|&byte| byte == b'\n') {
        Some(end) if message.starts_with(b"From ") => &message[end + 1..],
        _ => message,
    }
}

/// The id of the letter that a part returns, if it has the form of ours.
fn returned(part: &Part<'_>) -> Option<(Uuid, MessageId)> {
    let letter = fields(head(&part.content()).0)?;
    MessageId::read(letter.message_id()?)
}

/// What the second part of a report about a delivery says: a block of fields about the message, and one about each address.
fn delivery(parts: &[Part<'_>]) -> Option<Says> {
    let content = parts.iter().find(|part| part.is_one_of(STATUS))?.content();
    let mut rest: &[u8] = &content;
    let mut all = Vec::new();
    while !rest.is_empty() && all.len() < ADDRESSES_MAX {
        let (block, after) = head(rest);
        all.extend(fields(block).as_ref().and_then(Delivery::read));
        rest = after;
    }
    Some(Says::Delivery(all))
}

/// What the second part of a report about somebody's opinion says.
fn feedback(parts: &[Part<'_>]) -> Option<Says> {
    let feedback = fields(&parts.iter().find(|part| part.is_one_of(FEEDBACK))?.content())?;
    if !field(&feedback, "Feedback-Type")?.eq_ignore_ascii_case("abuse") {
        return Some(Says::Opinion);
    }
    let named = feedback.header_values("Original-Rcpt-To").filter_map(|value| value.as_text());
    Some(Says::Complaint(named.take(ADDRESSES_MAX).map(|address| bare(address).to_owned()).collect()))
}

impl Delivery {
    fn read(block: &Message<'_>) -> Option<Self> {
        let address = field(block, "Final-Recipient")?;
        let (kind, address) = address.split_once(';')?;
        if !["rfc822", "utf-8"].iter().any(|known| kind.trim().eq_ignore_ascii_case(known)) {
            return None;
        }
        let (status, diagnostic) = (field(block, "Status")?, field(block, "Diagnostic-Code"));
        let verdict = match field(block, "Action")?.split([' ', '(']).next() {
            Some(action) if action.eq_ignore_ascii_case("failed") => reported(&status, diagnostic.as_deref()),
            // It arrived, was passed on, or is still tried.
            _ => Verdict::Later,
        };
        let answer = format!("{status} {}", diagnostic.unwrap_or_default());
        Some(Self { address: bare(address).to_owned(), verdict, answer })
    }
}

/// An address without what may stand around it.
fn bare(address: &str) -> &str {
    let address = address.trim();
    address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address)
}
