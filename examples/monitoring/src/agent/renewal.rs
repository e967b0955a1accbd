//! Changes the credential from time to time, so that one that leaked does not last.

use chrono::TimeDelta;

use super::{
    client::ClientError,
    error::{AgentError, Chain},
    host,
    run::Agent,
    state::Credential,
};

/// Renews the credential if it is older than the server wants it to be. It is on the disk before it is used, and the old one works until then,
/// so a crash or a lost answer at any moment leaves one that works.
pub(super) async fn renew_if_due(agent: &Agent, after_seconds: Option<u64>) -> Result<(), AgentError> {
    let held = agent.credential.borrow().clone();
    if !is_due(&held, after_seconds) {
        return Ok(());
    }
    let renewed = match agent.client.renew().await {
        Ok(renewed) => renewed,
        Err(ClientError::Refused(problem)) => return Err(AgentError::Revoked { problem, buffered: agent.buffer.readings() }),
        Err(error) => {
            tracing::debug!("the credential is not renewed yet: {}", Chain(&error));
            return Ok(());
        }
    };
    let credential = Credential { credential: renewed.credential, since: Some(host::now()), ..held };
    agent.state.save_credential(&credential)?;
    agent.client.use_from_now_on(credential.credential.clone());
    agent.credential.send_replace(credential);
    tracing::info!("renewed the credential");
    Ok(())
}

fn is_due(held: &Credential, after_seconds: Option<u64>) -> bool {
    let after = after_seconds.and_then(|seconds| i64::try_from(seconds).ok()).and_then(TimeDelta::try_seconds);
    match (after, held.since) {
        (None, _) => false,
        (Some(_), None) => true,
        // A clock that was set back would make it live for ever.
        (Some(after), Some(since)) => host::now() - since >= after || since > host::now() + TimeDelta::days(1),
    }
}
