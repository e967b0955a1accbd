//! The outbox at work: jobs, a real server, and processes that end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use saas_core::{
    Jobs, JobsConfig,
    mail::{Envelope, Mail, MailSender},
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    outbox::{Post, Taker},
    sink::{Mode, Sink},
};
use crate::{
    jobs::{nothing_left, quick, start},
    rounds::LETTERS,
};

/// NOT-01: soon after the commit, by a job of the tenant or of the system.
#[tokio::test]
async fn a_letter_leaves_soon_after_the_commit() {
    let mut post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    let jobs = Jobs::new(&post.test.db);
    post.sender.work_for(&jobs);
    // Woken, and not found by looking again.
    let _running = start(&jobs, JobsConfig { poll: Duration::from_secs(600), ..quick(2) }).await;
    post.write(acme, &Envelope::new("ada@example.com", "a", "b")).await.unwrap();
    post.write_system(None, &Envelope::new("bob@example.com", "a", "b")).await.unwrap();
    for _ in 0..2 {
        tokio::time::timeout(Duration::from_secs(10), post.mails.recv()).await.expect("it is sent").unwrap();
    }
    nothing_left(&post.test).await;
}

/// NOT-01: what the program itself has to say reaches a tenant that is suspended; what the tenant's people do waits.
#[tokio::test]
async fn a_suspended_tenant_gets_the_programs_letters() {
    let mut post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    post.write(acme, &Envelope::new("invited@example.com", "a", "by a member")).await.unwrap();
    post.write_system(Some(acme), &Envelope::new("owner@example.com", "a", "by the program")).await.unwrap();
    let mut tx = post.test.db.system("suspend").begin().await.unwrap();
    sqlx::query("update core.tenant set state = 'suspended'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let jobs = Jobs::new(&post.test.db);
    post.sender.work_for(&jobs);
    let _running = start(&jobs, quick(1)).await;
    let mail = tokio::time::timeout(Duration::from_secs(10), post.mails.recv()).await.unwrap().unwrap();
    assert_eq!(mail.to, "owner@example.com");
    assert!(tokio::time::timeout(Duration::from_millis(300), post.mails.recv()).await.is_err());
}

/// NOT-01, topic 4: a full outbox drains, each letter once; with two nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_outbox_drains_and_each_letter_leaves_once() {
    let mut post = Post::new().await;
    let number = LETTERS.number();
    let acme = post.test.tenant("acme").await;
    let mut tx = post.test.db.tenant(acme).begin().await.unwrap();
    let letter = post.welcome("Ada");
    for reader in 0..number {
        let envelope = Envelope::new(format!("reader{reader}@example.com"), reader, "once");
        post.outbox.mail_in(&mut tx, &envelope, &letter).await.unwrap().unwrap();
    }
    tx.commit().await.unwrap();
    let mut nodes = Vec::new();
    let (taken, mut mails) = mpsc::unbounded_channel();
    for _ in 0..2 {
        let jobs = Jobs::new(&post.test.db);
        MailSender::new(&post.test.db, Arc::new(Taker(taken.clone())), post.keys.clone()).work_for(&jobs);
        nodes.push(start(&jobs, quick(4)).await);
    }
    let begun = Instant::now();
    let mut sent = BTreeMap::new();
    while sent.len() < number {
        let mail: Mail = tokio::time::timeout(Duration::from_secs(60), mails.recv()).await.expect("it drains").unwrap();
        *sent.entry(mail.to).or_insert(0) += 1;
    }
    tracing::info!(letters = number, seconds = begun.elapsed().as_secs_f32(), "drained");
    nothing_left(&post.test).await;
    assert!(mails.try_recv().is_err());
    assert!(sent.values().all(|times| *times == 1));
    assert_eq!(post.count("select count(*) from core.mail where state = 'sent' and sealed is null").await, number as i64);
    assert!(post.sent().is_empty());
}

/// NOT-01, topic 4: the process ends after the server has taken the letter and before it could note that. The letter comes once more, under
/// the same id.
#[tokio::test]
async fn a_letter_whose_process_ended_before_it_was_noted_comes_at_most_twice_under_one_id() {
    let post = Post::new().await;
    let mut sink = Sink::new(Mode::Plain).await;
    let acme = post.test.tenant("acme").await;
    let id = post.write(acme, &Envelope::new("slow@example.com", "a", "b")).await.unwrap();
    let first = MailSender::new(&post.test.db, Arc::new(sink.mailer()), post.keys.clone());
    // The server has the whole letter and has not answered yet.
    let message_id = tokio::select! {
        outcome = first.attempt(id) => panic!("the server takes its time: {outcome:?}"),
        message = sink.message() => message.message_id,
    };
    drop(first);
    assert_eq!(post.state(id).await.0, "sending");

    let jobs = Jobs::new(&post.test.db);
    MailSender::new(&post.test.db, Arc::new(sink.mailer()), post.keys.clone()).work_for(&jobs);
    let _running = start(&jobs, quick(1)).await;
    let again = sink.message().await;
    assert_eq!((again.message_id, again.to), (message_id, vec!["slow@example.com".to_owned()]));
    nothing_left(&post.test).await;
    assert_eq!(post.state(id).await.0, "sent");
}

/// NOT-01: a mail server that takes its time keeps neither a request nor another job waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_mail_server_delays_no_other_job() {
    let post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    let sink = Sink::new(Mode::Plain).await;
    let jobs = Jobs::new(&post.test.db);
    MailSender::new(&post.test.db, Arc::new(sink.mailer()), post.keys.clone()).work_for(&jobs);
    let mut heard = crate::jobs::Heard::on(&jobs);
    let _running = start(&jobs, quick(4)).await;
    let begun = Instant::now();
    for number in 0..20 {
        post.write(acme, &Envelope::new("hang@example.com", number, "slow")).await.unwrap();
    }
    let globex = post.test.tenant("globex").await;
    crate::jobs::enqueue(&post.test, globex, &crate::jobs::say("hello"), saas_core::JobOptions::new()).await;
    assert_eq!(heard.next().await, (globex, "hello".to_owned()));
    // The server would keep each of them for 30 seconds.
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}
