//! What the agent is told.

use std::{path::PathBuf, time::Duration};

use url::Url;

use super::{
    networks::Networks,
    protocol::{HeartbeatAnswer, Secret},
};

/// How the agent runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server, with a path when it is not at the root.
    pub server: Url,
    /// The agent key. Needed until the agent is registered; a new one makes it register anew.
    pub key: Option<Secret>,
    /// What to watch.
    pub networks: Networks,
    /// Where to keep state.
    pub state: PathBuf,
    /// Time between two checks; the server decides when absent.
    pub check: Option<Duration>,
    /// Time between two heartbeats; the server decides when absent.
    pub heartbeat: Option<Duration>,
    /// Time between two sweeps.
    pub discover: Duration,
    /// The most that the buffer may take on disk.
    pub buffer_bytes: u64,
}

/// How often things are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// Time between two checks.
    pub check: Duration,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
}

impl Intervals {
    /// What holds until the server says otherwise.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self { check: config.check.unwrap_or(Duration::from_secs(30)), heartbeat: config.heartbeat.unwrap_or(Duration::from_secs(60)) }
    }

    /// What the server wishes, between a second and an hour, unless the command line said otherwise.
    #[must_use]
    pub fn adjusted(config: &Config, answer: HeartbeatAnswer) -> Self {
        let wish = |seconds: u64| Duration::from_secs(seconds.clamp(1, 3_600));
        Self {
            check: config.check.unwrap_or(wish(answer.check_seconds)),
            heartbeat: config.heartbeat.unwrap_or(wish(answer.heartbeat_seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(check: Option<u64>, heartbeat: Option<u64>) -> Config {
        Config {
            server: "http://127.0.0.1".parse().unwrap(),
            key: None,
            networks: Networks::new(["10.0.0.0/24".parse().unwrap()]).unwrap(),
            state: PathBuf::new(),
            check: check.map(Duration::from_secs),
            heartbeat: heartbeat.map(Duration::from_secs),
            discover: Duration::from_secs(300),
            buffer_bytes: 1 << 20,
        }
    }

    fn seconds(intervals: Intervals) -> (u64, u64) {
        (intervals.check.as_secs(), intervals.heartbeat.as_secs())
    }

    #[test]
    fn devices_are_checked_every_30_s_and_the_server_hears_every_60_s_unless_somebody_says_otherwise() {
        assert_eq!(seconds(Intervals::of(&config(None, None))), (30, 60));
        assert_eq!(seconds(Intervals::of(&config(Some(5), None))), (5, 60));
        let wish = |check_seconds, heartbeat_seconds| HeartbeatAnswer { check_seconds, heartbeat_seconds, credential_seconds: None };
        assert_eq!(seconds(Intervals::adjusted(&config(None, None), wish(10, 20))), (10, 20));
        assert_eq!(seconds(Intervals::adjusted(&config(None, None), wish(0, 86_400))), (1, 3_600));
        assert_eq!(seconds(Intervals::adjusted(&config(Some(5), Some(6)), wish(10, 20))), (5, 6));
    }
}
