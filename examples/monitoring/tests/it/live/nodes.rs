//! Two servers on one database, as a balancer would have them.

use saas_core::testing::{EmptyDatabase, RedisServer};
use tokio::time::Instant;

use super::*;
use crate::{
    crash::outside::Outside,
    process::{Server, Settings, folder},
};

impl Stream {
    /// Opens the stream of a server as a browser does that heard of something before.
    async fn of(server: &Server, person: &Outside, last: Option<&str>) -> Self {
        // The stream has no end, so neither has the request.
        let request = person.as_person(reqwest::Client::new().get(format!("{}/live", server.url)));
        let request = if let Some(last) = last { request.header("last-event-id", last) } else { request };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self::over(response.bytes_stream().map(Result::unwrap).boxed()).await
    }

    /// Hears what there is to hear.
    async fn falls_silent(&mut self) {
        while let Ok(heard) = timeout(QUIET, self.next()).await {
            heard.expect("the stream goes on");
        }
    }
}

/// API-05, OPS-06: by default.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_one_server_hears_what_is_committed_through_another() {
    a_page_hears_of_two_servers(|settings| settings).await;
}

/// API-05, OPS-06: by a setting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_one_server_hears_through_redis_what_is_committed_through_another() {
    let redis = RedisServer::start().await;
    a_page_hears_of_two_servers(|settings| settings.set("SAAS_LIVE", "redis").set("REDIS_URL", redis.address().expose())).await;
}

async fn a_page_hears_of_two_servers(set: impl Fn(Settings) -> Settings) {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let owner = database.owner_url().expose().to_owned();
    let settings = set(Settings::serving(folder.path()).set("DATABASE_URL", &owner));
    let (here, there) = (settings.start().await, settings.start().await);
    let person = Outside::at(&here.url, folder.path(), &owner).await;
    let (mut page, mut elsewhere) = (Stream::of(&here, &person, None).await, Stream::of(&there, &person, None).await);
    for first in 1..100 {
        // A server that has only just begun to hear has everything read again.
        expect_status(&person, first).await;
        if timeout(Duration::from_millis(200), elsewhere.hears("devices")).await.is_ok() {
            break;
        }
    }
    elsewhere.falls_silent().await;
    let mut took = Vec::new();
    for number in 100..110 {
        expect_status(&person, number).await;
        let committed = Instant::now();
        elsewhere.hears("devices").await;
        took.push(committed.elapsed());
    }
    took.sort();
    assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");

    // A browser that lost its connection and says what it heard last: where that is known it hears what it missed, elsewhere everything.
    page.falls_silent().await;
    let last = std::mem::take(&mut page.last);
    drop(page);
    let mut witness = Stream::of(&here, &person, None).await;
    expect_status(&person, 200).await;
    witness.hears("devices").await;
    elsewhere.hears("devices").await;
    let mut again = Stream::of(&here, &person, Some(&last)).await;
    assert_eq!(again.next().await, Some(("changed".to_owned(), "devices".to_owned())));
    let mut again = Stream::of(&there, &person, Some(&last)).await;
    assert_eq!(again.next().await, Some(("changed".to_owned(), "*".to_owned())));

    // Signed out at one, gone from both.
    let streams = [Stream::of(&here, &person, None).await, Stream::of(&there, &person, None).await];
    person.expect("/api/v1/auth/sign-out", &json!({}), StatusCode::NO_CONTENT).await;
    for stream in streams {
        stream.ends().await;
    }
}

async fn expect_status(person: &Outside, number: u8) {
    assert_eq!(person.post_device(&format!("10.0.0.{number}")).await.unwrap().status(), StatusCode::OK);
}
