//! The store in process.

use std::{net::Ipv6Addr, time::Duration};

use saas_core::{
    ClientAddress, TenantId,
    limit::{Ask, Claimed, Count, Key, MemoryStore, Rate, RateLimitStore as _, Subject},
    testing::rate_limit_store_conforms,
};

use crate::program::Program;

/// API-02, design 1: the suite that every store passes.
#[tokio::test]
async fn the_store_in_process_conforms() {
    rate_limit_store_conforms(MemoryStore::new()).await;
}

fn of(subject: Subject, rate: Rate) -> [Ask; 1] {
    [Ask { key: Key { rule: "test", subject }, rate }]
}

/// None if there was no room.
async fn take(store: &MemoryStore, subject: Subject, rate: Rate) -> Option<Count> {
    store.take(&of(subject, rate)).await.unwrap()[0]
}

async fn somebody(store: &MemoryStore, rate: Rate) -> Option<Count> {
    take(store, Subject::Tenant(TenantId::new()), rate).await
}

/// RL: IPv6 rotation in one /64, a million addresses.
#[tokio::test]
async fn a_million_addresses_of_one_network_share_one_allowance() {
    let store = MemoryStore::new();
    let network = u128::from("2001:db8:1:2::".parse::<Ipv6Addr>().unwrap());
    let mut allowed = 0;
    for host in 0..1_000_000_u128 {
        let address = ClientAddress(Ipv6Addr::from(network | (host * 0x9e37_79b9_7f4a_7c15) & u128::from(u64::MAX)).into());
        let count = take(&store, Subject::Address(address.into()), Rate::per_hour(20)).await.unwrap();
        allowed += usize::from(count.retry_after.is_none());
    }
    assert_eq!((allowed, store.keys()), (20, 1));
}

/// RL: bounded memory.
#[tokio::test]
async fn more_keys_than_there_may_be_are_not_kept() {
    let store = MemoryStore::with_most_keys(1000);
    let (once_an_hour, known) = (Rate::per_hour(1), Subject::Tenant(TenantId::new()));
    take(&store, known, once_an_hour).await.unwrap();
    let mut uncounted = 0;
    for _ in 0..5000 {
        uncounted += usize::from(somebody(&store, once_an_hour).await.is_none());
    }
    assert_eq!((store.keys(), uncounted), (1000, 4001));
    let count = take(&store, known, once_an_hour).await.unwrap();
    assert!(count.retry_after.is_some(), "a flood of others does not take a limit away");
}

fn invented(nth: u32) -> Subject {
    Subject::Claimed(Claimed::new(&format!("{nth}@example.com")))
}

/// RL, API-02: a client that invents accounts by the million. Everybody else has the room that they had, and of whoever finds none nobody is let
/// through without end.
#[tokio::test]
async fn whoever_invents_accounts_takes_no_room_from_others_and_gets_around_no_limit() {
    let store = MemoryStore::with_most_keys(1000);
    for nth in 0..100_000 {
        assert!(take(&store, invented(nth), Rate::per_hour(20)).await.is_some(), "nobody goes uncounted");
    }
    assert_eq!(store.keys(), 500);
    assert_eq!(take(&store, invented(7), Rate::per_hour(20)).await.unwrap().remaining, 18, "who was there is counted alone");
    assert!(somebody(&store, Rate::per_hour(20)).await.is_some_and(|it| it.remaining == 19), "whom the program knows has room");
    let stranger = invented(1_000_000);
    let mut allowed = 0;
    for _ in 0..40 {
        allowed += usize::from(take(&store, stranger, Rate::per_hour(40)).await.unwrap().retry_after.is_none());
    }
    assert!(allowed < 40, "{allowed}: what fell into the same cell before counts");
    assert!(take(&store, stranger, Rate::per_hour(40)).await.unwrap().retry_after.is_some());
}

/// API-02: who was counted with others and has room of their own again has not their allowance twice.
#[tokio::test(start_paused = true)]
async fn whoever_gets_room_is_not_allowed_twice_as_much() {
    let (store, rate) = (MemoryStore::with_most_keys(2), Rate::per_hour(20));
    take(&store, invented(1), Rate::per_hour(1)).await.unwrap();
    tokio::time::advance(Duration::from_secs(1800)).await;
    for left in (0..20).rev() {
        assert_eq!(take(&store, invented(2), rate).await.unwrap().remaining, left, "it has a cell for itself");
    }
    // The first is forgotten, and its place is free.
    tokio::time::advance(Duration::from_secs(1900)).await;
    assert!(take(&store, invented(2), rate).await.unwrap().retry_after.is_some());
    tokio::time::advance(Duration::from_secs(1800)).await;
    assert_eq!(take(&store, invented(2), rate).await.unwrap().remaining, 19);
}

/// API-02: where there is no room for all steps, whoever keeps an even pace is let through all the same, and no window has more than the limit.
#[tokio::test(start_paused = true)]
async fn without_room_an_even_pace_is_not_refused() {
    let (store, rate) = (MemoryStore::with_most_keys(1), Rate::per_minute(20));
    let known = Subject::Tenant(TenantId::new());
    for nth in 0..500 {
        let count = take(&store, known, rate).await.unwrap();
        assert_eq!(count.retry_after, None, "request {nth}");
        tokio::time::advance(rate.window() * 10 / 7 / rate.limit().get()).await;
    }
    let before = take(&store, known, rate).await.unwrap().remaining;
    for left in (0..before).rev() {
        assert_eq!(take(&store, known, rate).await.unwrap().remaining, left);
    }
    assert!(before < 6 && take(&store, known, rate).await.unwrap().retry_after.is_some(), "{before}");
}

#[tokio::test]
async fn whoever_has_their_allowance_back_is_forgotten() {
    let store = MemoryStore::with_most_keys(1000);
    for _ in 0..20_000 {
        // A flood that goes on: a full store has room again as soon as it may look for it.
        while somebody(&store, Rate::per_second(1000)).await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(store.keys() <= 1000);
        if store.keys() < 500 {
            return;
        }
        if store.keys() < 999 {
            continue;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody was forgotten: {}", store.keys());
}

const MILLION: usize = 1_000_000;

/// RL, API-02: a million keys take at most 64 MiB. Measured in a process that does nothing else.
#[tokio::test]
async fn a_million_keys_take_at_most_64_mib() {
    let mut program = Program::start("limits::memory::a_program_that_keeps_a_million_keys", |command| {
        command.env("SAAS_LIMIT_MEMORY", "measure");
    });
    let bytes: usize = program.reported().parse().unwrap();
    assert!(bytes > 8 * MILLION && bytes <= 64 << 20, "{} MiB", bytes >> 20);
}

#[test]
fn a_program_that_keeps_a_million_keys() {
    if std::env::var_os("SAAS_LIMIT_MEMORY").is_none_or(|asked| asked != "measure") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = MemoryStore::new();
        let before = resident();
        for _ in 0..MILLION {
            somebody(&store, Rate::per_hour(1)).await.unwrap();
        }
        let grown = resident() - before;
        assert_eq!(store.keys(), MILLION);
        assert_eq!(somebody(&store, Rate::per_hour(1)).await, None);
        Program::report(&grown.to_string());
    });
}

/// RL, API-02: and whatever comes, such as a million clients that come again and again, at most 128.
#[tokio::test]
async fn a_million_keys_that_come_back_take_at_most_128_mib() {
    let mut program = Program::start("limits::memory::a_program_that_sees_a_million_keys_again", |command| {
        command.env("SAAS_LIMIT_MEMORY", "again");
    });
    let bytes: usize = program.reported().parse().unwrap();
    assert!(bytes > 8 * MILLION && bytes <= 128 << 20, "{} MiB", bytes >> 20);
}

#[test]
fn a_program_that_sees_a_million_keys_again() {
    if std::env::var_os("SAAS_LIMIT_MEMORY").is_none_or(|asked| asked != "again") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (store, rate) = (MemoryStore::new(), Rate::per_hour(10));
        let before = resident();
        let everybody: Vec<_> = (0..MILLION).map(|_| of(Subject::Tenant(TenantId::new()), rate)).collect();
        let kept = resident() - before;
        // In another step of the window each time.
        for _ in 0..8 {
            for one in &everybody {
                store.take(one).await.unwrap();
            }
            tokio::time::advance(Duration::from_secs(61)).await;
        }
        let grown = resident() - before - kept;
        // Whoever found no room for another step is limited all the same: they came eight times.
        for left in [Some(1), Some(0), None] {
            for one in [&everybody[0], &everybody[MILLION - 1]] {
                let count = store.take(one).await.unwrap()[0].unwrap();
                assert_eq!(Some(count.remaining).filter(|_| count.retry_after.is_none()), left);
            }
        }
        Program::report(&grown.to_string());
    });
}

/// The memory of this process that is in use, in bytes (proc(5)).
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}
