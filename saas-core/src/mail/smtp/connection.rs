use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
        response::Response,
    },
};

/// How to reach the server.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) hello: ClientId,
    pub(super) protection: Protection,
    pub(super) tls: TlsParameters,
    pub(super) credentials: Option<Credentials>,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    Plain,
    StartTls,
    Tls,
}

/// Which part of the conversation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Connection,
    Sender,
    Reader,
    Content,
}

/// A conversation failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the mail server was silent for {} s", .0.as_secs_f32())]
    Silence(Duration),
    #[error("the address needs SMTPUTF8, which the mail server does not have")]
    Unicode,
    #[error("the conversation with the mail server failed")]
    Smtp(Step, #[source] Error),
}

/// Connections that wait for the next message.
///
/// lettre's own pool takes back a connection whose message was cancelled in the middle, and the next one to use it reads answers to the old
/// one's commands. Here a connection is taken out to be used, and put back once its message has been answered; in all other cases it is
/// dropped.
#[derive(Clone)]
pub(super) struct Pool {
    server: Arc<Server>,
    idle: Arc<Mutex<Vec<Idle>>>,
    max_idle: usize,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

/// Mail servers hang up on who is silent for five minutes (RFC 5321, section 4.5.3.2.7), some much sooner.
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

impl Pool {
    pub(super) fn new(server: Server, max_idle: usize) -> Self {
        Self { server: Arc::new(server), idle: Arc::default(), max_idle }
    }

    /// Sends one message; what the server said when it took it.
    pub(super) async fn send(&self, from: &Address, to: &Address, content: &[u8]) -> Result<Response, Failure> {
        let mut connection = self.connection().await?;
        let response = self.server.converse(&mut connection, from, to, content).await?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.max_idle {
            idle.push(Idle { connection, since: Instant::now() });
        }
        Ok(response)
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, Failure> {
        while let Some(mut connection) = self.take() {
            // It may have been closed from the other side meanwhile.
            if self.server.patiently(connection.test_connected()).await.unwrap_or(false) {
                return Ok(connection);
            }
        }
        self.server.connect().await
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|it| it.since.elapsed() < MAX_IDLE_TIME);
        idle.pop().map(|it| it.connection)
    }
}

impl Server {
    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let connecting = async {
            let tls = (self.protection == Protection::Tls).then(|| self.tls.clone());
            let server = (self.host.as_str(), self.port);
            let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(self.connect_timeout), &self.hello, tls, None).await?;
            if self.protection == Protection::StartTls {
                // Fails if the server does not offer it.
                connection.starttls(self.tls.clone(), &self.hello).await?;
            }
            if let Some(credentials) = &self.credentials {
                connection.auth(DEFAULT_MECHANISMS, credentials).await?;
            }
            Ok(connection)
        };
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| Failure::Smtp(Step::Connection, error)),
            Err(_) => Err(Failure::Silence(self.connect_timeout)),
        }
    }

    async fn converse(
        &self,
        connection: &mut AsyncSmtpConnection,
        from: &Address,
        to: &Address,
        content: &[u8],
    ) -> Result<Response, Failure> {
        let at = |step| move |error| Failure::Smtp(step, error);
        let mut options = Vec::new();
        if !to.to_string().is_ascii() {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::Unicode);
            }
            // Then headers hold the address as it is.
            options.extend([MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]);
        }
        self.patiently(connection.command(Mail::new(Some(from.clone()), options))).await?.map_err(at(Step::Sender))?;
        self.patiently(connection.command(Rcpt::new(to.clone(), Vec::new()))).await?.map_err(at(Step::Reader))?;
        self.patiently(connection.command(Data)).await?.map_err(at(Step::Content))?;
        self.patiently(connection.message(content)).await?.map_err(at(Step::Content))
    }

    async fn patiently<T>(&self, conversation: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout(self.timeout, conversation).await.map_err(|_| Failure::Silence(self.timeout))
    }
}
