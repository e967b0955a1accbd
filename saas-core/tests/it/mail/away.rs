//! A mail server that is away: nothing is lost, and everybody can see it (OPS-04).

use std::{collections::BTreeSet, sync::Arc};

use http::StatusCode;
use saas_core::{
    BreakerState, Jobs, Routes, finish,
    mail::{Envelope, MailCounts, MailOutcome, MailSender},
    pages::Pages,
    testing::TestApp,
};

use super::{
    outbox::Post,
    sink::{Mode, Sink},
};
use crate::{
    jobs::{nothing_left, quick, start},
    status::Board,
};

/// OPS-04, NOT-01: killed, and started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_mail_server_is_away_letters_wait_and_the_status_says_so() {
    let post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    let web = TestApp::web(&post.test, &Pages::builder().build().unwrap());
    let board = Board { client: TestApp::new(finish(Routes::new().get("/devices", async || "all"), web.clone())).browser() };
    let mut sink = Sink::new(Mode::Plain).await;
    let port = sink.port;
    let sender = MailSender::new(&post.test.db, Arc::new(sink.mailer()), post.keys.clone()).shown_in(&web.dependencies);
    let jobs = Jobs::new(&post.test.db);
    sender.work_for(&jobs);
    let _running = start(&jobs, quick(2)).await;
    post.write(acme, &Envelope::new("first@example.com", "a", "b")).await.unwrap();
    assert!(sink.next_is_to("first@example.com").await);
    // It is noted that this one was sent.
    nothing_left(&post.test).await;
    assert_eq!(board.state("mail").await, "working");

    drop(sink);
    let readers: BTreeSet<_> = (0..5).map(|number| format!("reader{number}@example.com")).collect();
    for reader in &readers {
        post.write(acme, &Envelope::new(reader, "a", "b")).await.unwrap();
    }
    board.becomes("mail", "interrupted", async || {}).await;
    let secrets = ["127.0.0.1", &format!(":{port}"), "example.com", "acme", "refused", "smtp"];
    board.says("mail", &["Mail", "Interrupted", "Messages wait and are sent once it works again.", "Since <time"], &secrets).await;
    assert_eq!(board.state("database").await, "working");
    assert_eq!(board.client.get("/devices").await.status, StatusCode::OK);
    assert_eq!(MailCounts::read(&post.test.db).await.unwrap().open, 5, "they wait");

    let mut sink = Sink::at(Mode::Plain, "127.0.0.1", port).await;
    let mut arrived = Vec::new();
    for _ in &readers {
        arrived.extend(sink.message().await.to);
    }
    nothing_left(&post.test).await;
    assert_eq!((arrived.len(), BTreeSet::from_iter(arrived)), (5, readers));
    board.becomes("mail", "working", async || {}).await;
    board.says("mail", &["Working"], &secrets).await;
    let text = web.metrics.text();
    assert!(text.contains(r#"dependency_openings_total{dependency="mail"} 1"#), "{text}");
}

/// OPS-04: whoever has letters sent to addresses whose servers put them off holds up nobody else's.
#[tokio::test]
async fn readers_whose_servers_put_letters_off_interrupt_no_others() {
    let post = Post::new().await;
    let sink = Sink::new(Mode::Plain).await;
    let web = TestApp::web(&post.test, &Pages::builder().build().unwrap());
    let sender = MailSender::new(&post.test.db, Arc::new(sink.mailer()), post.keys.clone()).shown_in(&web.dependencies);
    for cause in 0..10 {
        let id = post.write_system(None, &Envelope::new("busy@example.com", "a", cause)).await.unwrap();
        assert!(matches!(sender.attempt(id).await.unwrap(), MailOutcome::Waits(_)));
        assert_eq!(post.state(id).await.1, 1, "it was tried");
    }
    let id = post.write_system(None, &Envelope::new("ada@example.com", "a", "b")).await.unwrap();
    assert_eq!(sender.attempt(id).await.unwrap(), MailOutcome::Sent);
    assert!(web.dependencies.breakers().iter().all(|breaker| breaker.state() == BreakerState::Closed));
}
