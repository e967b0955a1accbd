//! Sends what the buffer holds, in order, and the heartbeat.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

use super::{
    backoff::Backoff,
    buffer::{BufferError, Entry},
    client::{Accepted, ClientError},
    config::Intervals,
    error::{AgentError, Chain, readings},
    host,
    protocol::{Heartbeat, ProblemDocument},
    renewal::renew_if_due,
    run::{Agent, stopped, unless_stopped},
};

/// Whether the server could be used the last time, to say so only when it changes.
#[derive(Debug, Default)]
pub(super) struct Link {
    broken: AtomicBool,
}

impl Link {
    fn failed(&self, error: &ClientError) {
        let error = Chain(error);
        if self.broken.swap(true, Ordering::Relaxed) {
            tracing::debug!("still offline: {error}");
        } else {
            tracing::warn!("offline: {error}. Readings are kept on disk and sent later");
        }
    }

    fn worked(&self, waiting: u64) {
        if self.broken.swap(false, Ordering::Relaxed) {
            tracing::info!("online again; {} to send", readings(waiting));
        }
    }
}

/// What happened to the oldest batch.
enum Sent {
    /// It left the buffer.
    Done,
    /// There is none.
    Nothing,
    /// It stays in the buffer. The server may have asked for a pause.
    Kept(Option<Duration>),
}

/// Sends until it is told to stop, and then what can be sent without another failure.
pub(super) async fn send_loop(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) -> Result<(), AgentError> {
    let mut backoff = Backoff::new(&mut rand::rng());
    loop {
        match send_oldest(&agent).await? {
            Sent::Done => backoff.reset(),
            Sent::Nothing | Sent::Kept(_) if *stop.borrow() => return Ok(()),
            Sent::Nothing => {
                tokio::select! {
                    () = agent.wake.notified() => {}
                    () = stopped(&mut stop) => {}
                }
            }
            Sent::Kept(Some(pause)) => {
                tokio::select! {
                    () = sleep(pause.max(backoff.wait())) => {}
                    () = stopped(&mut stop) => {}
                }
            }
            Sent::Kept(None) => {
                // A heartbeat that got through cuts the wait short.
                tokio::select! {
                    () = sleep(backoff.wait()) => {}
                    () = agent.online.notified() => {}
                    () = stopped(&mut stop) => {}
                }
            }
        }
    }
}

/// Sends everything, with a few tries.
pub(super) async fn send_all(agent: &Arc<Agent>) -> Result<(), AgentError> {
    let mut backoff = Backoff::new(&mut rand::rng());
    let mut tries = 3;
    loop {
        match send_oldest(agent).await? {
            Sent::Done => {}
            Sent::Nothing => return Ok(()),
            Sent::Kept(_) if tries == 0 => return Err(AgentError::Unsent(agent.buffer.readings())),
            Sent::Kept(_) => {
                tries -= 1;
                sleep(backoff.wait()).await;
            }
        }
    }
}

async fn send_oldest(agent: &Arc<Agent>) -> Result<Sent, AgentError> {
    let Some(entry) = with_buffer(agent, |agent| agent.buffer.next()).await? else {
        return Ok(Sent::Nothing);
    };
    match agent.client.send(&entry.batch).await {
        Ok(accepted) => {
            if let Accepted::Devices(answer) = &accepted {
                tracing::debug!("the server added {} devices and knew {}", answer.added, answer.known);
            }
            if let Accepted::Devices(super::protocol::DevicesAnswer { problem: Some(problem), .. }) = &accepted {
                say_limit(agent, problem);
            }
            done(agent, entry).await
        }
        Err(ClientError::Limit(problem)) => {
            say_limit(agent, &problem);
            done(agent, entry).await
        }
        Err(ClientError::Rejected(problem)) => {
            let reason = problem.to_string();
            let path = with_buffer(agent, move |agent| agent.buffer.reject(&entry, &reason)).await?;
            tracing::warn!("the server will not take a batch ({problem}); it is set aside in {}", path.display());
            agent.link.worked(agent.buffer.readings());
            Ok(Sent::Done)
        }
        Err(ClientError::Refused(problem)) => Err(AgentError::Revoked { problem, buffered: agent.buffer.readings() }),
        Err(ClientError::Busy { pause, problem }) => {
            agent.link.failed(&ClientError::Busy { pause, problem });
            Ok(Sent::Kept(pause))
        }
        Err(error) => {
            agent.link.failed(&error);
            Ok(Sent::Kept(None))
        }
    }
}

async fn done(agent: &Arc<Agent>, entry: Entry) -> Result<Sent, AgentError> {
    with_buffer(agent, move |agent| agent.buffer.confirm(entry.position)).await?;
    agent.link.worked(agent.buffer.readings());
    Ok(Sent::Done)
}

/// Says what the server says about a limit, once until it says something else.
fn say_limit(agent: &Agent, problem: &ProblemDocument) {
    let text = problem.to_string();
    agent.limit_said.send_if_modified(|said| {
        let is_new = *said != text;
        if is_new {
            tracing::warn!("the server does not watch all devices: {text}");
            *said = text;
        }
        is_new
    });
}

/// Runs an operation of the buffer where it may block.
pub(super) async fn with_buffer<T: Send + 'static>(
    agent: &Arc<Agent>,
    operation: impl FnOnce(&Agent) -> Result<T, BufferError> + Send + 'static,
) -> Result<T, AgentError> {
    let agent = Arc::clone(agent);
    Ok(tokio::task::spawn_blocking(move || operation(&agent)).await??)
}

/// Sends heartbeats until it is told to stop.
pub(super) async fn heartbeat_loop(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) -> Result<(), AgentError> {
    loop {
        let Some(pause) = unless_stopped(&mut stop, heartbeat(&agent)).await.transpose()? else {
            return Ok(());
        };
        let interval = agent.intervals.borrow().heartbeat;
        if unless_stopped(&mut stop, sleep(interval.max(pause))).await.is_none() {
            return Ok(());
        }
    }
}

/// Sends one heartbeat, and returns how long the server wants silence.
pub(super) async fn heartbeat(agent: &Agent) -> Result<Duration, AgentError> {
    let buffered = agent.buffer.readings();
    let body =
        Heartbeat { at: host::now(), version: host::VERSION.to_owned(), uptime_seconds: agent.started.elapsed().as_secs(), buffered };
    match agent.client.heartbeat(&body).await {
        Ok(answer) => {
            let wished = Intervals::adjusted(&agent.config, answer);
            agent.intervals.send_if_modified(|intervals| std::mem::replace(intervals, wished) != wished);
            agent.online.notify_one();
            if buffered == 0 {
                agent.link.worked(buffered);
            }
            renew_if_due(agent, answer.credential_seconds).await?;
            Ok(Duration::ZERO)
        }
        Err(ClientError::Refused(problem)) => Err(AgentError::Revoked { problem, buffered }),
        Err(ClientError::Busy { pause, problem }) => {
            agent.link.failed(&ClientError::Busy { pause, problem });
            Ok(pause.unwrap_or_default())
        }
        Err(error) => {
            agent.link.failed(&error);
            Ok(Duration::ZERO)
        }
    }
}
