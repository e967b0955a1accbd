use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use http::{Method, StatusCode};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::scene::Scene;
use crate::webhooks::receiver::{Receiver, Reply};

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// NOT-05, topic 20: the address is called, and shows nowhere: not in answers, pages, the audit log, the database or the program's own log.
#[tokio::test]
async fn an_address_is_shown_to_nobody_once_it_is_entered() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (first, second) = ("services/T0HUSH/one", "services/T0HUSH/two");
    let address = |path: &str| format!("http://127.0.0.1:{}/{path}", receiver.port());
    let mut shown = Vec::new();

    let new = json!({ "format": "slack", "name": "On-call", "address": address(first) });
    let added = scene.owner.post("/api/v1/channels", &new).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let path = format!("/api/v1/channels/{}", added.json()["id"].as_str().unwrap());
    assert_eq!(added.json()["host"], "127.0.0.1");
    shown.push(added.text());
    receiver.next(Reply::status(500));
    receiver.next(Reply::status(403).body(address(first)));
    for _ in 0..2 {
        scene.ends("a.example").await;
        scene.deliver().await;
    }
    scene.pass(chrono::TimeDelta::minutes(2));
    let changed = scene.owner.json(Method::PATCH, &path, &json!({ "address": address(second) })).await;
    assert_eq!(changed.status, StatusCode::OK);
    shown.push(changed.text());
    scene.ends("b.example").await;
    scene.deliver().await;
    for asked in [&path, &format!("{path}/messages"), &"/api/v1/channels".to_owned()] {
        shown.push(scene.owner.get(asked).await.text());
    }
    let page = path.replace("/api/v1", "");
    for asked in [&page, &format!("{page}/edit"), &"/channels".to_owned(), &"/notifications".to_owned()] {
        shown.push(scene.owner.page(asked).await.text());
    }
    let typed = address(first);
    let refused = scene.owner.form("/channels", &[("format", "slack"), ("name", ""), ("address", typed.as_str())]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    shown.push(refused.text());
    assert_eq!(scene.owner.delete(&path).await.status, StatusCode::NO_CONTENT);

    assert!(receiver.got().iter().any(|got| got.path.ends_with("one")) && receiver.got().iter().any(|got| got.path.ends_with("two")));
    for table in ["data.chat_channel", "data.chat_message", "data.outbox", "data.audit_entry", "core.job", "core.mail", "data.notification"]
    {
        shown.extend(crate::planted::truth(&scene.test, &format!("select t::text from {table} t")).await);
    }
    let events = scene.recorded("chat.channel.changed").await;
    assert_eq!(events[0]["data"]["readdressed"], true);
    shown.push(String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned());
    assert!(shown.last().unwrap().contains("a chat channel fails"), "the log is heard");
    for text in shown {
        assert!(!text.contains("T0HUSH"), "{text}");
    }
}
