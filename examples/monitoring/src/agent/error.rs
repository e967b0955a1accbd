//! Why the agent stops.

use std::{error::Error, fmt};

use super::{buffer::BufferError, client::ClientError, protocol::ProblemDocument, state::StateError};

/// Why the agent stopped before it was told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The server does not accept the agent key.
    #[error(
        "the server does not accept the agent key ({0}). It is wrong, or was revoked or used up: add an agent on the \
         server's page \"Agents\" and start this one with the --key shown there"
    )]
    KeyRefused(ProblemDocument),
    /// The server no longer accepts the credential.
    #[error(
        "the server no longer accepts this agent ({problem}): its key was revoked. To connect it again, add an agent on \
         the server's page \"Agents\" and start this one with the --key shown there. {} wait in the state folder",
        readings(*.buffered)
    )]
    Revoked {
        /// What the server said.
        problem: ProblemDocument,
        /// Readings that were not sent.
        buffered: u64,
    },
    /// The agent was never registered, and there is no key.
    #[error("this agent is not registered yet: start it once with the --key that the server's page \"Agents\" shows")]
    KeyMissing,
    /// The agent is registered elsewhere, and there is no key.
    #[error("this agent is registered at {registered}, not at this server: give --key to register here")]
    OtherServer {
        /// Where it is registered.
        registered: url::Url,
    },
    /// The server refused to register the agent.
    #[error("the server did not register this agent: {0}")]
    NotRegistered(ProblemDocument),
    /// The server could not be spoken to when there was only one try.
    #[error("the server cannot be used")]
    Client(#[from] ClientError),
    /// Not everything could be sent when there was only one try.
    #[error("the server did not take everything: {} are kept in the state folder for the next run", readings(*.0))]
    Unsent(u64),
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The buffer cannot be used.
    #[error(transparent)]
    Buffer(#[from] BufferError),
    /// A part of the agent ended unexpectedly.
    #[error("a part of the agent failed")]
    Task(#[from] tokio::task::JoinError),
    /// An answer could not be printed.
    #[error("the answer cannot be printed")]
    Print(#[source] std::io::Error),
}

impl AgentError {
    /// The exit code for scripts: 3 when the key or credential is refused, 4 when another agent holds the state folder,
    /// 2 for a missing key, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::KeyRefused(_) | Self::Revoked { .. } => 3,
            Self::State(StateError::InUse { .. }) => 4,
            Self::KeyMissing | Self::OtherServer { .. } => 2,
            _ => 1,
        }
    }
}

/// An error with its causes, on one line.
pub(super) struct Chain<'a>(pub(super) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

pub(super) fn readings(count: u64) -> String {
    format!("{count} reading{}", if count == 1 { "" } else { "s" })
}
