//! A node that is killed while it does what follows from events: nothing is lost, and nothing comes twice as something else.

use std::time::Duration;

use rustix::process::{Signal, kill_process};
use saas_core::{Clock, DatabaseConfig, Db, Lifecycle, MasterKey, Secret, testing::TestDb};
use tokio::time::sleep;

use crate::{
    mail::sink::{Mode, Sink},
    program::Program,
    rounds::NODE_KILLS,
    works::{Arrived, Receivers, Works},
};

/// Where the program below finds what it works on: app login, system login, master key, mail server.
const PLACES: [&str; 4] = ["SAAS_TEST_APP", "SAAS_TEST_SYSTEM", "SAAS_TEST_KEY", "SAAS_TEST_SMTP"];

/// How much happens before each kill: more than is done until then.
const EACH: usize = 40;

/// What the test below starts and kills: a node. Alone it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node() {
    let [Some(app), Some(system), Some(key), Some(smtp)] = PLACES.map(|name| std::env::var_os(name).map(|it| it.into_string().unwrap()))
    else {
        return;
    };
    let config = DatabaseConfig {
        app: Secret::new(app),
        system: Secret::new(system),
        max_connections: 5,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
    let works = Works::new(&db, &key.parse::<MasterKey>().unwrap(), &Secret::new(smtp));
    let _running = works.begin(&Lifecycle::new()).await;
    Program::report("working");
    tokio::task::spawn_blocking(Program::wait_for_the_end).await.unwrap();
}

/// NOT-01, NOT-03, NOT-05, AUD-02, topics 2 and 4: `kill -9` at ever other moments, in the middle of relaying, sealing, and of what is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_an_event_follows_once_whenever_its_node_is_killed() {
    let (test, keys) = (TestDb::at(&[], Clock::system(), 5).await.unwrap(), MasterKey::generate());
    let (receivers, mut sink, mut arrived) = (Receivers::new().await, Sink::new(Mode::Plain).await, Arrived::default());
    let works = Works::new(&test.db, &keys, &sink.url(""));
    let tenant = works.organization(&receivers).await;
    let logins = test.database.logins();
    let values =
        [logins.app.expose().to_owned(), logins.system.expose().to_owned(), keys.text().to_string(), sink.url("").expose().to_owned()];
    let (kills, mut interrupted) = (NODE_KILLS.number(), 0);
    for kill in 0..kills {
        works.happen(tenant, kill * EACH..(kill + 1) * EACH).await;
        let (told, sent) = (receivers.chat.count(), receivers.hooks.count());
        let mut program = Program::start("killed::the_node", |command| {
            command.envs(PLACES.into_iter().zip(&values));
        });
        assert_eq!(program.reported(), "working");
        match kill % 4 {
            0 => {}
            1 => receivers.chat.wait_for(told + 1).await,
            2 => receivers.hooks.wait_for(sent + 1).await,
            _ => arrived.next(&mut sink).await,
        }
        sleep(Duration::from_millis(kill as u64 * 7 % 41)).await;
        kill_process(program.pid(), Signal::KILL).unwrap();
        drop(program);
        interrupted += usize::from(works.left().await > 0);
    }
    assert!(interrupted > kills / 2, "nearly always all was done before the kill");
    let lifecycle = Lifecycle::new();
    let running = works.begin(&lifecycle).await;
    arrived.until(&mut sink, works.nothing_left()).await;
    arrived.rest(&mut sink).await;
    works.all_was_done(tenant, kills * EACH, &receivers, &arrived).await;
    lifecycle.drain();
    running.drained().await;
}
