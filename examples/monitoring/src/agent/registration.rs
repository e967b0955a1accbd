//! Makes the agent known to the server.

use std::time::Duration;

use super::{
    backoff::Backoff,
    client::{Client, ClientError},
    config::Config,
    error::{AgentError, Chain},
    host,
    protocol::{ProblemDocument, Register, Secret},
    state::{Credential, StateDir, fingerprint},
};

/// Whether to wait for a server that cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Try until it can.
    Endless,
    /// One try.
    Once,
}

/// The credential of this agent: the one that is kept, or a new one when there is none for this server and key.
pub(super) async fn credential(state: &StateDir, config: &Config, patience: Patience) -> Result<Credential, AgentError> {
    let kept = Credential::read(state.path())?;
    let key = match (kept, &config.key) {
        (Some(kept), None) if kept.server == config.server => return Ok(kept),
        (Some(kept), Some(key)) if kept.server == config.server && kept.is_from(key) => return Ok(kept),
        (_, Some(key)) => key,
        (Some(kept), None) => return Err(AgentError::OtherServer { registered: kept.server }),
        (None, None) => return Err(AgentError::KeyMissing),
    };
    let credential = register(state, config, key, patience).await?;
    state.save_credential(&credential)?;
    tracing::info!(agent.id = %credential.agent, "registered as {:?} at {}", credential.name, credential.server);
    Ok(credential)
}

async fn register(state: &StateDir, config: &Config, key: &Secret, patience: Patience) -> Result<Credential, AgentError> {
    let client = Client::new(&config.server, key.clone())?;
    let body = Register {
        instance: state.instance()?,
        hostname: host::hostname(),
        version: host::VERSION.to_owned(),
        os: host::os(),
        networks: config.networks.as_slice().to_vec(),
    };
    let mut backoff = Backoff::new(&mut rand::rng());
    loop {
        let (error, pause) = match client.register(&body).await {
            Ok(registered) => {
                return Ok(Credential {
                    server: config.server.clone(),
                    agent: registered.agent,
                    name: registered.name,
                    credential: registered.credential,
                    key_sha256: fingerprint(key),
                    since: Some(host::now()),
                });
            }
            Err(ClientError::Refused(problem)) => return Err(AgentError::KeyRefused(problem)),
            Err(ClientError::Limit(problem) | ClientError::Rejected(problem)) => {
                return Err(AgentError::NotRegistered(problem));
            }
            Err(ClientError::Failed(problem)) if is_final(&problem) => return Err(AgentError::NotRegistered(problem)),
            // Nothing was ever right with this address: better say so than wait.
            Err(error @ (ClientError::Moved(_) | ClientError::Foreign(_) | ClientError::Setup(_))) => {
                return Err(error.into());
            }
            Err(ClientError::Busy { pause, problem }) => (ClientError::Busy { pause, problem }, pause),
            Err(error) => (error, None),
        };
        if patience == Patience::Once {
            return Err(error.into());
        }
        let wait = backoff.wait().max(pause.unwrap_or(Duration::ZERO));
        tracing::warn!("not registered yet: {}; next try in {} s", Chain(&error), wait.as_secs_f64().ceil());
        tokio::time::sleep(wait).await;
    }
}

/// A client's error (4xx) repeats itself: the address or the version is wrong.
fn is_final(problem: &ProblemDocument) -> bool {
    problem.status.is_some_and(|status| (400..500).contains(&status))
}
