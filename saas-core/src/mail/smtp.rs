mod connection;

use std::{borrow::Cow, error::Error as _, fmt, time::Duration};

use async_trait::async_trait;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use self::connection::{Failure, Pool, Protection, Server, Step};
use super::{
    Accepted, Mail, MailError, Mailer,
    verdict::{Verdict, verdict},
};
use crate::Secret;

/// Sends through an SMTP server, over connections that are kept for the next message.
///
/// The address says how the connection is protected:
///
/// * `smtps://user:password@mail.example.com`: TLS from the first byte (port 465).
/// * `smtp://user:password@mail.example.com`: STARTTLS, without which nothing is sent (port 587).
/// * `smtp://127.0.0.1:25`: a relay on this machine, in the clear and without credentials; with `?tls=required` by STARTTLS as well.
///
/// # Security
///
/// There is no "TLS if the server offers it": whoever sits in between would take the offer away. The certificate must be valid for the name
/// in the address.
#[derive(Clone)]
pub struct SmtpMailer {
    pool: Pool,
    from: Mailbox,
    return_path: Address,
}

/// What is seldom needed to reach a mail server.
#[derive(Debug, Clone)]
pub struct SmtpOptions {
    /// The address to which mail servers report that a message could not be delivered, if that is another than the sender's: of a mailbox
    /// whose mail is read by [`MailReport`](super::MailReport).
    pub return_path: Option<String>,
    /// A certificate authority to trust beside the public ones, in PEM: for a relay inside a company.
    pub authority: Option<Vec<u8>>,
    /// How long a connection may take to be made, TLS and sign-in included.
    pub connect_timeout: Duration,
    /// How long the server may take for one answer; a message has four.
    pub timeout: Duration,
    /// How many connections are kept for the next message.
    pub connections: usize,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self {
            return_path: None,
            authority: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            connections: 4,
        }
    }
}

impl SmtpMailer {
    /// Connects when the first message is sent.
    ///
    /// # Errors
    ///
    /// Fails if the server's address or the sender cannot be read, or the address would send credentials or letters in the clear.
    pub fn new(url: &Secret, from: &str) -> Result<Self, SmtpError> {
        Self::with(url, from, &SmtpOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and if the certificate authority is none, or the address for reports.
    pub fn with(url: &Secret, from: &str, options: &SmtpOptions) -> Result<Self, SmtpError> {
        let from: Mailbox = from.parse().map_err(SmtpError::From)?;
        let return_path = match &options.return_path {
            Some(address) => address.parse().map_err(SmtpError::ReturnPath)?,
            None => from.email.clone(),
        };
        let (url, protection) = protection(url)?;
        let host = url.host_str().ok_or(SmtpError::Url)?.trim_matches(['[', ']']).to_owned();
        let mut tls = TlsParameters::builder(host.clone());
        if let Some(authority) = &options.authority {
            tls = tls.add_root_certificate(Certificate::from_pem(authority).map_err(SmtpError::Authority)?);
        }
        let default_port = match protection {
            Protection::Plain => 25,
            Protection::StartTls => 587,
            Protection::Tls => 465,
        };
        let server = Server {
            host,
            port: url.port().unwrap_or(default_port),
            hello: ClientId::Domain(from.email.domain().to_owned()),
            protection,
            tls: tls.build().map_err(SmtpError::Authority)?,
            credentials: credentials(&url)?,
            connect_timeout: options.connect_timeout,
            timeout: options.timeout,
        };
        Ok(Self { pool: Pool::new(server, options.connections), from, return_path })
    }

    fn message(&self, mail: &Mail, to: Address) -> Result<Message, MailError> {
        let name = mail.from_name.clone().or_else(|| self.from.name.clone());
        let mut message = Message::builder()
            .message_id(Some(mail.message_id.to_string()))
            .from(Mailbox::new(name, self.from.email.clone()))
            .to(Mailbox::new(mail.to_name.clone(), to))
            .subject(&mail.subject)
            // Nobody's out-of-office note answers a machine (RFC 3834).
            .header(AutoSubmitted);
        if let Some(address) = &mail.unsubscribe {
            message = message.header(ListUnsubscribe(format!("<{address}>"))).header(ListUnsubscribePost);
        }
        message
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| MailError::Message(error.into()))
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        let to = mail.check()?;
        let message = self.message(mail, to.clone())?;
        match self.pool.send(&self.return_path, &to, &message.formatted()).await {
            Ok(response) => Ok(Accepted { answer: response.message().collect::<Vec<_>>().join(" ") }),
            Err(failure) => Err(judge(failure)),
        }
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("from", &self.from).finish_non_exhaustive()
    }
}

fn judge(failure: Failure) -> MailError {
    let (step, error) = match failure {
        Failure::Unicode => return MailError::Message(failure.into()),
        Failure::Smtp(step, error) => (step, error),
        Failure::Silence(_) => return MailError::Transport(failure.into()),
    };
    let Some(code) = error.status().map(u16::from) else { return MailError::Transport(error.into()) };
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    match verdict(code, &text) {
        // What a server says before it has seen a letter is no refusal of one.
        _ if step == Step::Connection => MailError::Transport(error.into()),
        // Others may be taken, unless it is about to close (421).
        Verdict::Later if step == Step::Reader && code != 421 => MailError::Later(error.into()),
        Verdict::Later => MailError::Transport(error.into()),
        found => {
            let no_such_mailbox = found == Verdict::NoSuchMailbox && step == Step::Reader;
            MailError::Refused { answer: format!("{code} {text}"), no_such_mailbox }
        }
    }
}

/// Name and password, whose special characters stand in an address as `%40`.
fn credentials(url: &Url) -> Result<Option<Credentials>, SmtpError> {
    let Some(password) = url.password() else {
        return if url.username().is_empty() { Ok(None) } else { Err(SmtpError::Url) };
    };
    let plain = |text| percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| SmtpError::Url);
    Ok(Some(Credentials::new(plain(url.username())?, plain(password)?)))
}

/// How the address wants to be spoken to, and the address without the word for it.
fn protection(url: &Secret) -> Result<(Url, Protection), SmtpError> {
    let mut url: Url = url.expose().parse().map_err(|_| SmtpError::Url)?;
    let is_here = match url.host() {
        // The host of a scheme that the URL standard does not know is text.
        Some(Host::Domain(name)) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback()),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(SmtpError::Url),
    };
    let wanted: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let is_required = match wanted.as_slice() {
        [] => false,
        [(name, value)] if name == "tls" && value == "required" => true,
        _ => return Err(SmtpError::Url),
    };
    url.set_query(None);
    let protection = match (url.scheme(), is_required) {
        ("smtps", _) => Protection::Tls,
        ("smtp", true) => Protection::StartTls,
        ("smtp", false) if !is_here => Protection::StartTls,
        ("smtp", false) => Protection::Plain,
        _ => return Err(SmtpError::Url),
    };
    if protection == Protection::Plain && (!url.username().is_empty() || url.password().is_some()) {
        return Err(SmtpError::PlainCredentials);
    }
    Ok((url, protection))
}

/// The mail server's settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// The address of the server; it is not repeated, since it holds a password.
    #[error("SMTP_URL is not an address such as smtps://user:password@mail.example.com or smtp://user:password@mail.example.com")]
    Url,
    /// A password would be sent in the clear.
    #[error("SMTP_URL has a password and no TLS: write smtps://, or smtp:// with ?tls=required")]
    PlainCredentials,
    /// The sender.
    #[error("MAIL_FROM is not an address such as \"Product <no-reply@example.com>\"")]
    From(#[source] lettre::address::AddressError),
    /// Where reports go to.
    #[error("MAIL_RETURN_PATH is not an address such as bounces@example.com")]
    ReturnPath(#[source] lettre::address::AddressError),
    /// The certificate authority.
    #[error("the mail server's certificate authority is not a certificate in PEM")]
    Authority(#[source] lettre::transport::smtp::Error),
}

/// `Auto-Submitted: auto-generated`
#[derive(Debug, Clone)]
struct AutoSubmitted;

/// `List-Unsubscribe: <https://…>`
#[derive(Debug, Clone)]
struct ListUnsubscribe(String);

/// `List-Unsubscribe-Post: List-Unsubscribe=One-Click`
#[derive(Debug, Clone)]
struct ListUnsubscribePost;

type ParseResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> ParseResult<Self> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> ParseResult<Self> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

impl Header for ListUnsubscribePost {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> ParseResult<Self> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Protection, SmtpError> {
        protection(&Secret::new(url)).map(|(_, protection)| protection)
    }

    /// NOT-01
    #[test]
    fn only_a_relay_on_this_machine_is_spoken_to_in_the_clear() {
        assert_eq!(read("smtps://u:p@mail.example.com").unwrap(), Protection::Tls);
        assert_eq!(read("smtp://u:p@mail.example.com").unwrap(), Protection::StartTls);
        assert_eq!(read("smtp://mail.example.com:25").unwrap(), Protection::StartTls);
        assert_eq!(read("smtp://u:p@127.0.0.1?tls=required").unwrap(), Protection::StartTls);
        for here in ["smtp://127.0.0.1:2525", "smtp://localhost", "smtp://[::1]:25"] {
            assert_eq!(read(here).unwrap(), Protection::Plain, "{here}");
        }
        for clear in ["smtp://u:p@127.0.0.1", "smtp://u@localhost"] {
            assert!(matches!(read(clear), Err(SmtpError::PlainCredentials)), "{clear}");
        }
        for wrong in
            ["http://mail.example.com", "smtp://mail.example.com?tls=opportunistic", "smtp://", "mail.example.com", "smtps://a?x=y"]
        {
            assert!(matches!(read(wrong), Err(SmtpError::Url)), "{wrong}");
        }
    }
}
