//! The agent finds real hosts, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::{Duration, Instant},
};

use monitoring::agent::protocol::Method;

use crate::lab::{AgentSettings, Kind, Lab, PLANTED, Recorded, RecordingServer};

/// What one sweep of a /24 may take, by the requirement.
const SWEEP: Duration = Duration::from_secs(60);
/// Hosts that every machine has.
const LOOPBACK: &str = "127.7.0.0/28";

fn expected(kind: Kind) -> Vec<Method> {
    match kind {
        Kind::Icmp => vec![Method::Icmp, Method::Arp],
        Kind::Tcp => vec![Method::Tcp, Method::Arp],
        Kind::Arp => vec![Method::Arp],
    }
}

/// The last reading of each address.
fn states(recorded: &[Recorded]) -> BTreeMap<IpAddr, bool> {
    let readings = recorded.iter().filter_map(|recorded| match recorded {
        Recorded::Readings(readings) => Some(readings),
        _ => None,
    });
    readings.flatten().map(|reading| (reading.address, reading.up)).collect()
}

#[tokio::test]
async fn every_planted_host_is_found_by_its_kind_and_nothing_else_is() {
    let Some(lab) = Lab::where_permitted() else { return loopback_hosts_are_found().await };
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start_on(lab.listen(([127, 0, 0, 1], 0).into()));
    let settings = AgentSettings::new(&server.url(), Lab::NETWORK, state.path()).inside(lab.agent());

    // The first time with the kernel's own patience. The second time it remembers the hosts, and must not be believed without asking.
    for round in ["first", "second"] {
        if round == "second" {
            lab.hurry_arp();
        }
        let before = server.devices().len();
        let started = Instant::now();
        let (status, said) = settings.clone().with(&["--once"]).start().ended(SWEEP * 2).await;
        assert!(status.success(), "{said}");
        let took = said.lines().find(|line| line.contains("found ")).unwrap_or_default().to_owned();
        eprintln!("{round} sweep, check and send in {:?}: {took}", started.elapsed());
        assert!(started.elapsed() < SWEEP, "{said}");

        let devices = server.devices().split_off(before);
        let mut found: BTreeMap<IpAddr, Vec<Method>> = devices.iter().map(|device| (device.address, device.found_by.clone())).collect();
        assert_eq!(found.len(), devices.len(), "a device was reported twice");
        for kind in Kind::ALL {
            let mut planted = 0;
            for address in kind.addresses() {
                assert_eq!(found.remove(&address), Some(expected(kind)), "{address}, {kind:?}, {round} sweep:\n{said}");
                planted += 1;
            }
            assert_eq!(planted, PLANTED);
        }
        assert_eq!(found.into_keys().collect::<Vec<_>>(), [Lab::OWN], "more was found than planted");
        let with_mac = devices.iter().filter(|device| device.mac.is_some()).count();
        assert_eq!(with_mac, usize::from(PLANTED) * 3);
    }

    let states = states(&server.recorded());
    assert_eq!(states.len(), usize::from(PLANTED) * 3 + 1);
    assert!(states.values().all(|up| *up), "{states:?}");
    let latency = |kind: Kind| {
        let readings = server.readings().into_iter().filter(move |reading| kind.addresses().contains(&reading.address));
        readings.map(|reading| reading.latency_us).collect::<Vec<_>>()
    };
    assert!(latency(Kind::Icmp).iter().chain(&latency(Kind::Tcp)).all(|latency| latency.is_some()));
    assert!(latency(Kind::Arp).iter().all(Option::is_none));

    // Remembered by the kernel, and gone.
    lab.plug(Kind::Arp, false);
    let before = server.devices().len();
    let (status, said) = settings.with(&["--once"]).start().ended(SWEEP * 2).await;
    assert!(status.success(), "{said}");
    let found: BTreeSet<_> = server.devices().split_off(before).into_iter().map(|device| device.address).collect();
    let there = [Kind::Icmp, Kind::Tcp].into_iter().flat_map(Kind::addresses).chain([Lab::OWN]);
    assert_eq!(found, there.collect(), "{said}");
}

#[tokio::test]
async fn a_device_that_goes_away_is_reported_down_and_up_again_when_it_returns() {
    let Some(lab) = Lab::where_permitted() else { return loopback_hosts_stay_up().await };
    lab.hurry_arp();
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start_on(lab.listen(([127, 0, 0, 1], 0).into()));
    let agent = AgentSettings::new(&server.url(), Lab::NETWORK, state.path()).inside(lab.agent()).start();
    let all = usize::from(PLANTED) * 3 + 1;
    let patience = Duration::from_secs(120);
    let up = |recorded: &[Recorded]| states(recorded).values().filter(|up| **up).count();
    server.until(patience, "every device up", |recorded| up(recorded) == all).await;

    for kind in Kind::ALL {
        lab.plug(kind, false);
        let gone = kind.addresses();
        let is_down = |recorded: &[Recorded]| {
            let down = states(recorded).into_iter().filter(|(_, up)| !up).map(|(address, _)| address);
            down.collect::<BTreeSet<_>>() == gone
        };
        server.until(patience, &format!("{kind:?} hosts down, and no others"), is_down).await;
        lab.plug(kind, true);
        server.until(patience, "every device up again", |recorded| up(recorded) == all).await;
    }
    agent.terminate();
    let (status, said) = agent.ended(Duration::from_secs(10)).await;
    assert!(status.success(), "{said}");
}

fn on_loopback() -> BTreeSet<IpAddr> {
    (1..=14).map(|host| IpAddr::from([127, 7, 0, host])).collect()
}

/// Every loopback address answers, so that only the edges of the network can be tested.
async fn loopback_hosts_are_found() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let agent = AgentSettings::new(&server.url(), LOOPBACK, state.path()).with(&["--once"]).start();
    let (status, said) = agent.ended(SWEEP).await;
    assert!(status.success(), "{said}");
    let found: BTreeSet<_> = server.devices().into_iter().map(|device| device.address).collect();
    assert_eq!(found, on_loopback());
}

/// No loopback address can go away, so that none may be reported down.
async fn loopback_hosts_stay_up() {
    let state = tempfile::tempdir().unwrap();
    let server = RecordingServer::start();
    let agent = AgentSettings::new(&server.url(), LOOPBACK, state.path()).start();
    let checks = |recorded: &[Recorded]| recorded.iter().filter(|recorded| matches!(recorded, Recorded::Readings(_))).count();
    let seen = |recorded: &[Recorded]| states(recorded).len() == on_loopback().len() && checks(recorded) >= 5;
    server.until(SWEEP * 2, "five checks, of all hosts in the end", seen).await;
    agent.terminate();
    let (status, said) = agent.ended(Duration::from_secs(10)).await;
    assert!(status.success(), "{said}");
    let readings = server.readings();
    assert_eq!(readings.iter().map(|reading| reading.address).collect::<BTreeSet<_>>(), on_loopback());
    assert!(readings.iter().all(|reading| reading.up), "{said}");
}
