use std::{io, process::ExitCode};

use saas_auth::{OperatorError, SigningKeyError};
use saas_billing::{GatewayError, NoSecret, PlansError};
use saas_core::{
    ConnectError, DbError, ErasuresError, MigrateError, OutboundError, ProvisionError, ReplayError, SealError, SettingsError, StartError,
    audit::CheckpointError,
    dev::DevError,
    file::StorageError,
    mail::{MailInError, SmtpError},
    pages::PagesErrors,
};

/// What `compose` may fail with: whatever the product's parts do.
pub type ComposeError = Box<dyn std::error::Error + Send + Sync>;

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The development database could not be started.
    #[error("the development database could not be started")]
    Development(#[from] DevError),
    /// The database is away, or not safe to run on.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The database could not be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The database could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The logins could not be made.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Templates or texts are wrong.
    #[error(transparent)]
    Pages(#[from] PagesErrors),
    /// The mail server's settings are wrong.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// Files cannot be kept where the settings say.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Nobody can be called: the certificates of this machine cannot be read.
    #[error("the certificates of this machine cannot be read")]
    Outbound(#[source] OutboundError),
    /// The settings of Redis are wrong.
    #[error("the settings of Redis are wrong")]
    Redis(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Background jobs could not be started.
    #[error(transparent)]
    Jobs(#[from] StartError),
    /// A dead letter could not be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The ends of the audit chains cannot be kept, or read where they are.
    #[error(transparent)]
    Checkpoints(#[from] CheckpointError),
    /// The list of those who were erased cannot be read or written.
    #[error(transparent)]
    Erasures(#[from] ErasuresError),
    /// A message was not read to its end; whoever brought it is to bring it again.
    #[error("the message could not be taken now")]
    Later(#[source] Box<Self>),
    /// Mail goes to this address.
    #[error("nothing is in the way of mail to this address")]
    NotSuppressed,
    /// The product has no such flag.
    #[error("there is no flag called {0}")]
    NoFlag(String),
    /// Nobody has this address.
    #[error("there is no account with this address")]
    NoAccount,
    /// Who runs the product stays as it was.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// There is no such organization.
    #[error("there is no organization called {0}")]
    NoTenant(String),
    /// The product has no such thing.
    #[error("this product has no {0}")]
    Absent(&'static str),
    /// The key that signs tokens could not be replaced.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// The plans cannot be used.
    #[error(transparent)]
    Plans(#[from] PlansError),
    /// The payment gateway did not do what it was asked.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// Anybody could say that they have paid.
    #[error(transparent)]
    NoSecret(#[from] NoSecret),
    /// With these settings the payment gateway cannot be asked.
    #[error("the settings of Stripe are wrong")]
    Payments(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Traces cannot be sent.
    #[error("traces cannot be sent")]
    Traces(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The product could not be put together.
    #[error("the product could not be put together")]
    Compose(#[source] ComposeError),
    /// The address to listen on cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A file or the network failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The error and what caused it, without saying anything twice.
    pub(crate) fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            let more = error.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            source = error.source();
        }
        text
    }

    /// After sysexits.h: 78 for configuration, 69 for a service that is not there.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Settings(_) | Self::Smtp(_) | Self::Redis(_) | Self::Traces(_) | Self::Payments(_) | Self::NoSecret(_) => 78,
            Self::Development(_) | Self::Connect(_) | Self::Migrate(_) | Self::Seal(_) | Self::Provision(_) | Self::Database(_) => 69,
            Self::Later(_) => 75,
            _ => 1,
        })
    }
}
