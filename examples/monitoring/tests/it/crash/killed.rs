use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use saas_core::testing::EmptyDatabase;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::sleep;

use super::{outside::Outside, rounds};
use crate::process::{Settings, folder, wait_until};

const POSTS: u32 = 1_000;
const CLIENTS: usize = 6;

/// What is still to be sent, and what the server has acknowledged.
#[derive(Default)]
struct Work {
    waiting: Vec<u32>,
    acknowledged: BTreeSet<u32>,
    errors: usize,
}

impl Work {
    fn settle(&mut self, number: u32, is_acknowledged: bool) {
        if is_acknowledged {
            self.acknowledged.insert(number);
        } else {
            self.waiting.push(number);
            self.errors += 1;
        }
    }
}

/// Sends device after device, and one that was not acknowledged again, as an agent does.
async fn send_all(outside: Arc<Outside>, work: Arc<Mutex<Work>>) {
    loop {
        let next = work.lock().unwrap().waiting.pop();
        let Some(number) = next else {
            if work.lock().unwrap().acknowledged.len() == POSTS as usize {
                return;
            }
            // Another client has the last ones; one of them may come back.
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        let answer = outside.post_device(&Ipv4Addr::from(0x0a00_0000 + number).to_string()).await;
        let is_acknowledged = answer.is_ok_and(|answer| answer.status() == 200);
        work.lock().unwrap().settle(number, is_acknowledged);
        if !is_acknowledged {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn connect(owner: &str) -> PgConnection {
    let options: PgConnectOptions = owner.parse().unwrap();
    PgConnection::connect_with(&options.options([("search_path", "data")])).await.unwrap()
}

/// The numbers of the devices that are stored, and the use of the plan.
async fn stored(owner: &str) -> (Vec<u32>, i64) {
    let mut owner = connect(owner).await;
    let numbers: Vec<i64> =
        sqlx::query_scalar("select address - inet '10.0.0.0' from device order by 1").fetch_all(&mut owner).await.unwrap();
    let used = sqlx::query_scalar("select used from quota where meter = 'devices'").fetch_optional(&mut owner).await.unwrap();
    (numbers.into_iter().map(|number| u32::try_from(number).unwrap()).collect(), used.unwrap_or(0))
}

/// How many devices there are at one moment, and how many were found by the sums of the hours and by the events.
async fn recorded(owner: &str) -> [i64; 3] {
    let mut owner = connect(owner).await;
    let counts: Vec<i64> = sqlx::query_scalar(
        "select array[
            (select count(*) from device),
            (select coalesce(sum(quantity), 0)::bigint from usage_hour where meter = 'devices-found'),
            (select coalesce(sum(quantity), 0)::bigint from usage_event where meter = 'devices-found')]",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    counts.try_into().unwrap()
}

/// MET-02: `kill -9` in the middle of 1,000 posts: every acknowledged device is there, none is there twice, and the plan and the record count them right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let owner = database.owner_url().expose().to_owned();
    let settings = Settings::new(folder.path()).set("DATABASE_URL", &owner).set("RUST_LOG", "warn");
    let mut server = settings.clone().argument("--listen").argument("127.0.0.1:0").start().await;
    let settings = settings.argument("--listen").argument(&format!("127.0.0.1:{}", server.port()));
    let outside = Arc::new(Outside::at(&server.url, folder.path(), &owner).await);
    let work = Arc::new(Mutex::new(Work { waiting: (0..POSTS).rev().collect(), ..Work::default() }));
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(send_all(Arc::clone(&outside), Arc::clone(&work)))).collect();

    let kills = rounds(3, 30);
    let mut random = SmallRng::seed_from_u64(7);
    for kill in 0..kills {
        // Spread over the work, each at a moment that chance chooses.
        let acknowledged = (POSTS as usize * (kill + 1)) / (kills + 2);
        let in_the_middle = async || work.lock().unwrap().acknowledged.len() >= acknowledged;
        wait_until("the next part is sent", Duration::from_secs(60), in_the_middle).await;
        sleep(Duration::from_micros(random.random_range(0..20_000))).await;
        server.kill().await;
        let acknowledged = work.lock().unwrap().acknowledged.clone();
        assert!(acknowledged.len() < POSTS as usize, "all was sent before the kill");
        let (there, _) = stored(&owner).await;
        let lost: Vec<_> = acknowledged.iter().filter(|number| there.binary_search(number).is_err()).collect();
        assert!(lost.is_empty(), "kill {kill} lost {lost:?}");
        let [devices, by_hours, by_events] = recorded(&owner).await;
        assert_eq!((by_hours, by_events), (devices, devices), "after kill {kill}");
        server = settings.start().await;
    }
    for client in clients {
        tokio::time::timeout(Duration::from_secs(60), client).await.expect("the work ends").unwrap();
    }
    assert!(work.lock().unwrap().errors >= kills, "the kills met nobody");
    let (there, used) = stored(&owner).await;
    assert_eq!(there, (0..POSTS).collect::<Vec<_>>());
    assert_eq!(used, i64::from(POSTS));
    assert_eq!(recorded(&owner).await, [i64::from(POSTS); 3]);
    server.kill().await;
}
