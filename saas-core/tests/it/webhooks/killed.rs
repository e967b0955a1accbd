use std::time::Duration;

use saas_core::{
    Clock, DatabaseConfig, Db, MasterKey, Outbound, OutboundPolicy, Secret,
    webhook::{WebhookSettings, Webhooks},
};
use tokio::time::sleep;

use super::{
    receiver::{Receiver, Reply},
    scene::{SOON, Scene, catalogue, header_of},
};
use crate::program::Program;

/// Short, because here it is waited for.
const LEASE: Duration = Duration::from_secs(3);

/// Where the program below finds what it works on: app login, system login, master key.
const PLACES: [&str; 3] = ["SAAS_TEST_APP", "SAAS_TEST_SYSTEM", "SAAS_TEST_KEY"];

fn settings() -> WebhookSettings {
    WebhookSettings { lease: LEASE, ..WebhookSettings::default() }
}

/// What the test below starts and kills: a program that delivers. Alone it does nothing.
#[tokio::test]
async fn the_program_that_delivers() {
    let [Some(app), Some(system), Some(key)] = PLACES.map(|name| std::env::var_os(name).map(|it| it.into_string().unwrap())) else {
        return;
    };
    let config = DatabaseConfig {
        app: Secret::new(app),
        system: Secret::new(system),
        max_connections: 3,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
    let keys: MasterKey = key.parse().unwrap();
    let outbound = Outbound::new(OutboundPolicy::local()).unwrap();
    Webhooks::with(&db, &keys, outbound, catalogue(), settings()).deliver_now().await.unwrap();
}

/// W3: killed between sending and noting it, and it is sent again under the same id.
#[tokio::test]
async fn what_was_sent_but_not_noted_is_sent_again_under_the_same_id() {
    let (scene, receiver) = (Scene::at(Clock::system(), settings()).await, Receiver::new().await);
    let (id, secret) = scene.endpoint(&receiver).await;
    receiver.next(Reply::status(200).after(SOON));
    let event = scene.happen(1).await[0];
    let logins = scene.test.database.logins();
    let values = [logins.app.expose().to_owned(), logins.system.expose().to_owned(), scene.keys.text().to_string()];
    let mut program = Program::start("webhooks::killed::the_program_that_delivers", |command| {
        command.envs(PLACES.into_iter().zip(values));
    });
    receiver.wait_for(1).await;
    program.kill();

    // Whoever might still be at it is waited for; then it is somebody else's.
    assert_eq!(scene.deliver().await, 0);
    assert_eq!(scene.deliveries(&id).await[0]["state"], "sending");
    while scene.deliver().await == 0 {
        sleep(Duration::from_millis(50)).await;
    }
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert!(got.iter().all(|got| got.header("webhook-id") == header_of(event)));
    assert!(got.iter().all(|got| super::sign::signed_by(got, &secret) == [0]));
    assert!(got[1].at - got[0].at >= LEASE - Duration::from_secs(1));
    let delivery = &scene.deliveries(&id).await[0];
    assert_eq!((delivery["state"].as_str(), delivery["attempts"].as_i64()), (Some("delivered"), Some(2)));
}
