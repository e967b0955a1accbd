//! The agent as a process: offline and back, killed, revoked, twice, stopped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use monitoring::agent::protocol::{Heartbeat, Reading};

use crate::lab::{AgentSettings, Answer, Recorded, RecordingServer};

/// Six hosts that every machine has.
const NETWORK: &str = "127.7.0.0/29";
const HOSTS: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(20);

fn batches(recorded: &[Recorded]) -> Vec<&Vec<Reading>> {
    let batches = recorded.iter().filter_map(|recorded| match recorded {
        Recorded::Readings(readings) => Some(readings),
        _ => None,
    });
    batches.collect()
}

fn heartbeats(recorded: &[Recorded]) -> Vec<&Heartbeat> {
    let heartbeats = recorded.iter().filter_map(|recorded| match recorded {
        Recorded::Heartbeat(heartbeat) => Some(heartbeat),
        _ => None,
    });
    heartbeats.collect()
}

/// The rounds that an agent said it had put on the disk, by the time of their last reading, and how many readings each had.
fn recorded_rounds(lines: &[String]) -> BTreeMap<DateTime<Utc>, usize> {
    let rounds = lines.iter().filter_map(|line| {
        let (_, rest) = line.split_once("recorded ")?;
        let (count, _) = rest.split_once(" readings")?;
        let (_, last) = rest.split_once("last=")?;
        let last = DateTime::parse_from_rfc3339(&last.replace(" UTC", "Z").replace(' ', "T"));
        Some((last.unwrap().to_utc(), count.parse().unwrap()))
    });
    rounds.collect()
}

/// Every reading that arrived must be newer than the one before of the same device.
fn assert_in_order_and_once(readings: &[Reading]) {
    let mut last: BTreeMap<IpAddr, DateTime<Utc>> = BTreeMap::new();
    for reading in readings {
        if let Some(before) = last.insert(reading.address, reading.at) {
            assert!(before < reading.at, "{} came as {} after {before}", reading.address, reading.at);
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn readings_made_offline_arrive_later_in_order_and_once() {
    let state = tempfile::tempdir().unwrap();
    let mut server = RecordingServer::start();
    let mut agent = AgentSettings::new(&server.url(), NETWORK, state.path()).start();
    server.until(PATIENCE, "two checks", |recorded| batches(recorded).len() >= 2).await;

    for failure in [Answer::Status(500, None), Answer::Status(503, Some(1)), Answer::Status(429, Some(1))] {
        server.answer(failure);
        agent.until_said(SOON, "offline", 1).await;
        let rounds = recorded_rounds(&agent.lines()).len();
        agent.until_said(SOON, "recorded", rounds + 3).await;
        server.answer(Answer::Well);
        let expected = rounds + 3;
        server.until(PATIENCE, "all rounds", |recorded| batches(recorded).len() >= expected).await;
    }
    for refuse in [true, false] {
        if refuse {
            server.close();
        } else {
            server.hang();
        }
        let rounds = recorded_rounds(&agent.lines()).len();
        agent.until_said(SOON, "recorded", rounds + 4).await;
        server.resume();
        server.until(PATIENCE * 2, "all rounds", |recorded| batches(recorded).len() >= rounds + 4).await;
    }

    agent.terminate();
    let (status, said) = agent.ended(SOON).await;
    assert!(status.success(), "{said}");
    let expected = recorded_rounds(&said.lines().map(str::to_owned).collect::<Vec<_>>());
    let recorded = server.recorded();
    let arrived: BTreeMap<_, _> = batches(&recorded).iter().map(|readings| (readings.last().unwrap().at, readings.len())).collect();
    assert_eq!(arrived, expected);
    assert_in_order_and_once(&server.readings());
    let devices: BTreeSet<_> = server.devices().into_iter().map(|device| device.address).collect();
    assert_eq!(devices.len(), HOSTS);
}

/// MON-01: a heartbeat comes by itself at each interval, which is a second here.
#[tokio::test]
async fn it_says_that_it_is_there_at_each_interval() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let agent = AgentSettings::new(&server.url(), NETWORK, state.path()).start();
    server.until(PATIENCE, "three heartbeats", |recorded| heartbeats(recorded).len() >= 3).await;
    agent.terminate();
    let (status, said) = agent.ended(SOON).await;
    assert!(status.success(), "{said}");
    let recorded = server.recorded();
    for pair in heartbeats(&recorded).windows(2) {
        let between = pair[1].at - pair[0].at;
        assert!(between > TimeDelta::milliseconds(900), "one came {between} after the one before");
    }
}

#[tokio::test]
async fn a_killed_agent_loses_nothing_that_it_had_recorded() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path());
    let mut expected = BTreeMap::new();
    // The server answers before some kills and fails before others; the moments differ by what was said and by a delay.
    for (rounds, delay, answer) in [
        (1, 0, Answer::Well),
        (2, 350, Answer::Status(500, None)),
        (1, 780, Answer::Well),
        (3, 120, Answer::Status(503, Some(1))),
        (1, 5, Answer::Status(500, None)),
        (2, 990, Answer::Well),
    ] {
        server.answer(Answer::Well);
        let mut agent = settings.start();
        agent.until_said(SOON, "recorded", 1).await;
        server.answer(answer);
        agent.until_said(SOON, "recorded", rounds).await;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        expected.extend(recorded_rounds(&agent.kill().await));
    }
    server.answer(Answer::Well);
    let mut agent = settings.start();
    // What was sent before the last kill may be all there is: wait for the agent too.
    agent.until_said(SOON, "recorded", 1).await;
    let has_all = |recorded: &[Recorded]| {
        let arrived: BTreeSet<_> = batches(recorded).iter().map(|readings| readings.last().unwrap().at).collect();
        expected.keys().all(|last| arrived.contains(last))
    };
    server.until(PATIENCE, "every recorded round", has_all).await;
    agent.terminate();
    let (status, said) = agent.ended(SOON).await;
    assert!(status.success(), "{said}");

    // A kill between the server's answer and our note of it sends that one batch again, and it alone.
    let mut readings = server.readings();
    let sent = readings.len();
    let mut seen = BTreeSet::new();
    readings.retain(|reading| seen.insert((reading.address, reading.at)));
    assert!(sent - readings.len() <= 6 * HOSTS, "{} readings came twice", sent - readings.len());
    assert_in_order_and_once(&readings);
    let recorded = server.recorded();
    for readings in batches(&recorded) {
        let count = expected.get(&readings.last().unwrap().at);
        assert!(count.is_none_or(|count| *count == readings.len()), "a round arrived in part");
    }
}

#[tokio::test]
async fn it_registers_once_and_keeps_its_credential_to_itself() {
    let parent = tempfile::tempdir().unwrap();
    let state = parent.path().join("state");
    let server = RecordingServer::start();
    let settings = AgentSettings::new(&server.url(), NETWORK, &state).with(&["--once"]);
    for key in [Some(crate::lab::KEY), Some(crate::lab::KEY), None] {
        let (status, said) = settings.clone().key(key).start().ended(PATIENCE).await;
        assert!(status.success(), "{said}");
    }
    let registered = server.recorded().into_iter().filter(|recorded| matches!(recorded, Recorded::Register(_))).count();
    assert_eq!(registered, 1);
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("credential.json")), 0o600);
    assert_eq!(mode(&state.join("buffer")), 0o700);
    let other = AgentSettings::new("http://127.0.0.1:9", NETWORK, &state).with(&["--once"]).key(None);
    let (status, said) = other.start().ended(PATIENCE).await;
    assert_eq!(status.code(), Some(2), "the credential is for one server only: {said}");
}

#[tokio::test]
async fn a_registration_whose_answer_was_lost_is_repeated_by_the_same_instance() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    server.answer(Answer::Status(500, None));
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path());
    let agent = settings.start();
    server.until_refused(SOON, 1).await;
    agent.kill().await;
    let instance = fs::read_to_string(state.path().join("instance.json")).unwrap();
    server.answer(Answer::Well);
    let agent = settings.start();
    server.until(SOON, "registration", |recorded| !recorded.is_empty()).await;
    let Some(Recorded::Register(register)) = server.recorded().into_iter().next() else {
        panic!("the first request is not a registration");
    };
    assert_eq!(format!("\"{}\"", register.instance), instance);
    assert_eq!(register.networks, [NETWORK.parse().unwrap()]);
    agent.terminate();
    assert!(agent.ended(SOON).await.0.success());
}

#[tokio::test]
async fn a_wrong_key_stops_it_with_a_message_and_code_3() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path()).key(Some("another-key"));
    let (status, said) = settings.start().ended(SOON).await;
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("the key is not known") && said.contains("--key"), "{said}");
    assert!(!said.contains("another-key"), "{said}");
}

#[tokio::test]
async fn a_revoked_key_stops_it_with_a_message_and_code_3_and_keeps_what_was_not_sent() {
    for code in [401, 403] {
        let state = tempfile::tempdir().unwrap();
        let server = RecordingServer::start();
        let agent = AgentSettings::new(&server.url(), NETWORK, state.path()).start();
        server.until(PATIENCE, "a check", |recorded| !batches(recorded).is_empty()).await;
        server.answer(Answer::Status(code, None));
        let (status, said) = agent.ended(SOON).await;
        assert_eq!(status.code(), Some(3), "{said}");
        assert!(said.contains("revoked") && said.contains("--key"), "{said}");
        assert!(!said.contains(crate::lab::CREDENTIAL) && !said.contains(crate::lab::KEY), "{said}");
        assert!(state.path().join("buffer").exists());
    }
}

#[tokio::test]
async fn a_poisoned_batch_is_set_aside_and_the_next_ones_arrive() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let mut agent = AgentSettings::new(&server.url(), NETWORK, state.path()).start();
    server.until(PATIENCE, "a check", |recorded| !batches(recorded).is_empty()).await;
    server.answer(Answer::Poisoned("127.7.0.3".parse().unwrap()));
    agent.until_said(SOON, "set aside", 2).await;
    server.answer(Answer::Well);
    let before = batches(&server.recorded()).len();
    server.until(SOON, "later checks", |recorded| batches(recorded).len() >= before + 2).await;
    assert!(fs::read_dir(state.path().join("buffer/rejected")).unwrap().count() >= 2);
    agent.terminate();
    assert!(agent.ended(SOON).await.0.success());
}

#[tokio::test]
async fn a_limit_is_said_once_and_readings_go_on() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    server.answer(Answer::Limited);
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path()).with(&["--discover-seconds", "1"]);
    let mut agent = settings.start();
    agent.until_said(PATIENCE, "found ", 3).await;
    server.until(PATIENCE, "checks", |recorded| batches(recorded).len() >= 2).await;
    agent.terminate();
    let (status, said) = agent.ended(SOON).await;
    assert!(status.success(), "{said}");
    assert_eq!(said.matches("50 of 50 devices: choose a larger plan").count(), 1, "{said}");
}

#[tokio::test]
async fn a_second_agent_with_the_same_state_refuses_to_start() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path());
    let first = settings.start();
    server.until(PATIENCE, "registration", |recorded| !recorded.is_empty()).await;
    let (status, said) = settings.start().ended(SOON).await;
    assert_eq!(status.code(), Some(4), "{said}");
    assert!(said.contains("another agent") && said.contains("--state"), "{said}");
    first.kill().await;
    let (status, said) = settings.with(&["--once"]).start().ended(PATIENCE).await;
    assert!(status.success(), "a killed agent left its lock behind: {said}");
}

#[tokio::test]
async fn a_signal_stops_it_within_two_seconds_also_offline_and_in_the_middle_of_a_sweep() {
    let fail = |server: &mut RecordingServer| server.answer(Answer::Status(500, None));
    let disturb: [fn(&mut RecordingServer); 4] = [|_| {}, fail, RecordingServer::hang, RecordingServer::close];
    for disturb in disturb {
        let state = tempfile::tempdir().unwrap();
        let mut server = RecordingServer::start();
        // Large enough that its sweep is under way for a while, and nobody else's.
        let settings = AgentSettings::new(&server.url(), NETWORK, state.path()).with(&["--network", "127.8.0.0/16"]);
        let mut agent = settings.start();
        agent.until_said(PATIENCE, "recorded", 1).await;
        disturb(&mut server);
        agent.until_said(PATIENCE, "recorded", 3).await;
        let signalled = Instant::now();
        agent.terminate();
        let (status, said) = agent.ended(SOON).await;
        let took = signalled.elapsed();
        assert!(status.success(), "{said}");
        assert!(took < Duration::from_secs(2), "it took {took:?} to stop:\n{said}");
    }
}

#[tokio::test]
async fn once_reports_what_it_could_not_send_and_the_next_run_sends_it() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path()).with(&["--once"]);
    assert!(settings.start().ended(PATIENCE).await.0.success());
    let before = batches(&server.recorded()).len();
    server.answer(Answer::Status(500, None));
    let (status, said) = settings.start().ended(PATIENCE).await;
    assert_eq!(status.code(), Some(1), "{said}");
    server.answer(Answer::Well);
    let (status, said) = settings.start().ended(PATIENCE).await;
    assert!(status.success(), "{said}");
    assert_eq!(batches(&server.recorded()).len(), before + 2);
    assert_in_order_and_once(&server.readings());
}

#[tokio::test]
async fn status_prints_what_the_server_knows() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path()).with(&["--once"]);
    assert!(settings.start().ended(PATIENCE).await.0.success());
    let mut output = Vec::new();
    monitoring::agent::print_status(state.path(), &mut output).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    assert!(output.contains("10.7.0.9") && output.contains("250 µs") && output.contains("printer"), "{output}");
}

/// AUT-11: the agent changes its credential when the server wants it to, keeps it before it uses it, and survives a lost answer and a kill.
#[tokio::test]
async fn a_credential_is_renewed_and_kept_and_a_lost_answer_locks_nobody_out() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let settings = AgentSettings::new(&server.url(), NETWORK, state.path());
    let kept = || monitoring::agent::Credential::read(state.path()).unwrap().unwrap().credential.expose().to_owned();
    let renewals = |recorded: &[Recorded]| recorded.iter().filter(|it| matches!(it, Recorded::Renew(_))).count();
    server.answer(Answer::LosingRenewals);
    let agent = settings.start();
    server.until(PATIENCE, "two attempts", |recorded| renewals(recorded) >= 2).await;
    assert_eq!(kept(), crate::lab::CREDENTIAL);
    server.answer(Answer::Renewing);
    server
        .until(PATIENCE, "a renewal with one that was renewed", |recorded| {
            recorded.iter().filter(|it| matches!(it, Recorded::Renew(shown) if shown != crate::lab::CREDENTIAL)).count() >= 2
        })
        .await;
    agent.kill().await;
    assert_ne!(kept(), crate::lab::CREDENTIAL);
    assert_eq!(mode(&state.path().join("credential.json")), 0o600);

    server.answer(Answer::Well);
    let held = kept();
    let before = server.recorded().len();
    let agent = settings.key(None).start();
    server.until(PATIENCE, "more of the same agent", |recorded| recorded.len() > before + 2).await;
    agent.terminate();
    assert!(agent.ended(SOON).await.0.success());
    assert_eq!(kept(), held, "nobody asked for another");
}
