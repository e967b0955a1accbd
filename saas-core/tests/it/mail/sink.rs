//! aiosmtpd as a process.

use std::{path::Path, process::Stdio, time::Duration};

use saas_core::{
    Secret,
    mail::{SmtpMailer, SmtpOptions},
    testing::Arrived,
};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// How the server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    StartTls,
    Tls,
}

/// A mail server that does as the reader's address says; it ends with its value.
pub(crate) struct Sink {
    pub(crate) port: u16,
    mode: Mode,
    lines: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    _process: Child,
}

/// A message, as Python's own library reads it.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) peer: u16,
    pub(crate) header_to: String,
    pub(crate) header_to_addresses: Vec<String>,
    pub(crate) header_from: String,
    pub(crate) bcc: Option<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) subject: String,
    pub(crate) message_id: String,
    pub(crate) unsubscribe: Option<String>,
    pub(crate) unsubscribe_post: Option<String>,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Sink {
    pub(crate) async fn new(mode: Mode) -> Self {
        Self::certified(mode, "127.0.0.1").await
    }

    /// With a certificate for this address, from an authority of its own.
    pub(crate) async fn certified(mode: Mode, address: &str) -> Self {
        Self::at(mode, address, 0).await
    }

    pub(crate) async fn at(mode: Mode, address: &str, port: u16) -> Self {
        let folder = TempDir::new().unwrap();
        if mode != Mode::Plain {
            certificates(folder.path(), address).await;
        }
        // Debian's aiosmtpd belongs to Debian's Python.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mail/sink.py"));
        command.arg(match mode {
            Mode::Plain => "plain",
            Mode::StartTls => "starttls",
            Mode::Tls => "tls",
        });
        command.arg(folder.path().join("server.pem")).arg(folder.path().join("server.key")).arg(port.to_string());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = next(&mut lines).await.parse().unwrap();
        Self { port, mode, lines, folder, _process: process }
    }

    /// The next message that it accepted.
    pub(crate) async fn message(&mut self) -> Message {
        serde_json::from_str(&next(&mut self.lines).await).unwrap()
    }

    /// Whether nothing has arrived by the time that something sent to `again` has.
    pub(crate) async fn next_is_to(&mut self, address: &str) -> bool {
        self.message().await.to == [address]
    }

    /// What the conformance test asks for.
    pub(crate) async fn arrived(&mut self) -> Arrived {
        let message = self.message().await;
        assert_eq!(message.to, message.header_to_addresses, "nobody else gets it");
        assert_eq!(message.bcc, None);
        Arrived {
            message_id: message.message_id,
            from_name: message.header_from.rsplit_once(" <").map(|(name, _)| unquoted(name)),
            to: message.header_to_addresses,
            subject: message.subject,
            text: message.text.replace("\r\n", "\n"),
            html: message.html.replace("\r\n", "\n"),
        }
    }

    pub(crate) fn mailer(&self) -> SmtpMailer {
        self.mailer_with("", self.options())
    }

    /// As somebody who signs in: `user:password@`.
    pub(crate) fn mailer_with(&self, credentials: &str, options: SmtpOptions) -> SmtpMailer {
        SmtpMailer::with(&self.url(credentials), "Monitoring <no-reply@example.com>", &options).unwrap()
    }

    pub(crate) fn url(&self, credentials: &str) -> Secret {
        Secret::new(match self.mode {
            Mode::Plain => format!("smtp://{credentials}127.0.0.1:{}", self.port),
            Mode::StartTls => format!("smtp://{credentials}127.0.0.1:{}?tls=required", self.port),
            Mode::Tls => format!("smtps://{credentials}127.0.0.1:{}", self.port),
        })
    }

    /// Patient with a busy machine, and trusting the authority.
    pub(crate) fn options(&self) -> SmtpOptions {
        SmtpOptions { authority: std::fs::read(self.folder.path().join("authority.pem")).ok(), ..SmtpOptions::default() }
    }
}

fn unquoted(name: &str) -> String {
    name.trim_matches('"').replace("\\\"", "\"")
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.expect("the mail server says something");
    line.unwrap().expect("the mail server lives")
}

/// An authority and a certificate of the server's, by OpenSSL.
async fn certificates(folder: &Path, address: &str) {
    let script = format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
            -addext basicConstraints=critical,CA:TRUE -keyout authority.key -out authority.pem
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=sink -keyout server.key -out server.csr
        printf 'subjectAltName=IP:{address}\\nbasicConstraints=CA:FALSE\\n' > extensions
        openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile extensions -out server.pem"
    );
    let output = Command::new("sh").args(["-ec", &script]).current_dir(folder).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
