use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use saas_core::{
    Clock, MasterKey,
    mail::{
        Accepted, Envelope, GIVE_UP_AFTER, Mail, MailCounts, MailError, MailOutcome, MailSender, Mailer, Outbox, SenderConfig,
        SuppressionReason, Suppressions, letters::Welcome,
    },
    pages::Pages,
    testing::{TestDb, deliver},
};

use super::{
    outbox::Post,
    sink::{Mode, Sink},
};

fn to(address: &str, cause: impl std::fmt::Display) -> Envelope {
    Envelope::new(address, "about", cause)
}

/// NOT-01, topic 4: 4xx waits, 5xx ends, and what the server said is kept; through a real server.
#[tokio::test]
async fn a_letter_waits_or_ends_as_the_mail_server_says() {
    let post = Post::new().await;
    let mut sink = Sink::new(Mode::Plain).await;
    let sender = MailSender::new(&post.test.db, Arc::new(sink.mailer()), post.keys.clone());
    let acme = post.test.tenant("acme").await;

    let busy = post.write(acme, &to("busy@example.com", 1)).await.unwrap();
    assert!(matches!(sender.attempt(busy).await.unwrap(), MailOutcome::Waits(pause) if pause <= Duration::from_secs(3)));
    let (state, attempts, answer, is_kept) = post.state(busy).await;
    assert_eq!((state.as_str(), attempts, is_kept), ("queued", 1, true));
    assert!(answer.unwrap().contains("try again later"));

    let greylisted = post.write(acme, &to("greylisted@example.com", 1)).await.unwrap();
    assert!(matches!(sender.attempt(greylisted).await.unwrap(), MailOutcome::Waits(_)));
    assert_eq!(sender.attempt(greylisted).await.unwrap(), MailOutcome::Sent);
    let message = sink.message().await;
    let mut tx = post.test.db.system("look").begin().await.unwrap();
    let (message_id, answer): (String, String) =
        sqlx::query_as("select message_id, answer from core.mail where state = 'sent'").fetch_one(&mut *tx).await.unwrap();
    assert_eq!((message.message_id, answer.as_str()), (message_id, "2.0.0 kept as greylisted"));
    drop(tx);

    let spam = post.write(acme, &to("spam@example.com", 1)).await.unwrap();
    assert_eq!(sender.attempt(spam).await.unwrap(), MailOutcome::Failed);
    let again = post.write(acme, &to("spam@example.com", 2)).await.unwrap();
    assert_eq!(sender.attempt(again).await.unwrap(), MailOutcome::Failed, "one refused letter is no bounce");
}

/// NOT-01, topic 4: the bounce list, and the way off it.
#[tokio::test]
async fn an_address_that_bounced_gets_nothing_until_somebody_lifts_it() {
    let mut post = Post::new().await;
    let sink = Sink::new(Mode::Plain).await;
    let real = MailSender::new(&post.test.db, Arc::new(sink.mailer()), post.keys.clone());
    let (acme, globex) = (post.test.tenant("acme").await, post.test.tenant("globex").await);
    let gone = post.write(acme, &to("gone@example.com", 1)).await.unwrap();
    assert_eq!(real.attempt(gone).await.unwrap(), MailOutcome::Failed);

    let suppressions = Suppressions::new(post.keys.clone());
    let mut tx = post.test.db.system("look").begin().await.unwrap();
    let found = suppressions.find_in(&mut tx, " GONE@example.com").await.unwrap().unwrap();
    assert_eq!(found.reason, SuppressionReason::Bounce);
    let answer = found.answer.unwrap();
    assert!(answer.starts_with("550 5.1.1") && !answer.contains('@'), "{answer}");
    let stored: String =
        sqlx::query_scalar("select encode(address_hash, 'escape') from core.mail_suppression").fetch_one(&mut *tx).await.unwrap();
    assert!(!stored.contains("gone"));
    drop(tx);

    // Whoever writes to it; and the list outlives a change of the key.
    let next = post.write(globex, &to("Gone@Example.com", 2)).await.unwrap();
    let rotated: MasterKey = format!("{},{}", *MasterKey::generate().text(), *post.keys.text()).parse().unwrap();
    let (taken, _) = tokio::sync::mpsc::unbounded_channel();
    let sender = MailSender::new(&post.test.db, Arc::new(super::outbox::Taker(taken)), rotated);
    let mut tx = post.test.db.system("complain, and be told of under another key").begin().await.unwrap();
    for (list, reason) in [(&suppressions, SuppressionReason::Complaint), (&sender.suppressions(), SuppressionReason::Bounce)] {
        list.add_in(&mut tx, "angry@example.com", reason, None).await.unwrap();
    }
    let found = sender.suppressions().find_in(&mut tx, "angry@example.com").await.unwrap().unwrap();
    assert_eq!(found.reason, SuppressionReason::Complaint, "whoever complained did, whatever else is known");
    drop(tx);
    assert_eq!(sender.attempt(next).await.unwrap(), MailOutcome::Suppressed);
    assert_eq!(post.state(next).await, ("suppressed".to_owned(), 0, None, false));
    assert_eq!(MailCounts::read(&post.test.db).await.unwrap().suppressed, 1);

    let mut tx = post.test.db.system("lift").begin().await.unwrap();
    assert!(suppressions.lift_in(&mut tx, "gone@example.com").await.unwrap());
    assert!(!suppressions.lift_in(&mut tx, "gone@example.com").await.unwrap());
    tx.commit().await.unwrap();
    post.write(globex, &to("gone@example.com", 3)).await.unwrap();
    post.deliver().await;
    assert_eq!(post.sent().len(), 1);
}

/// NOT-01: complaints come from a mail provider, by whatever way it has.
#[tokio::test]
async fn whoever_complained_gets_nothing() {
    let mut post = Post::new().await;
    let mut tx = post.test.db.system("complain").begin().await.unwrap();
    post.sender.suppressions().add_in(&mut tx, "ada@example.com", SuppressionReason::Complaint, None).await.unwrap();
    tx.commit().await.unwrap();
    post.write_system(None, &to("ada@example.com", 1)).await.unwrap();
    assert_eq!(post.deliver().await, 1);
    assert!(post.sent().is_empty());
}

/// A mailer that fails until it is told otherwise.
#[derive(Default)]
struct Broken {
    works: Mutex<bool>,
    tries: Mutex<HashMap<String, Vec<String>>>,
}

#[async_trait]
impl Mailer for Broken {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        self.tries.lock().unwrap().entry(mail.to.clone()).or_default().push(mail.message_id.to_string());
        if *self.works.lock().unwrap() {
            return Ok(Accepted { answer: "ok".to_owned() });
        }
        Err(MailError::Transport("nobody there".into()))
    }
}

/// NOT-01: each attempt has the same id, and there is an end.
#[tokio::test]
async fn a_letter_is_tried_for_three_days_under_one_id() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let test = TestDb::at(&[], clock.clone(), 5).await.unwrap();
    let keys = MasterKey::generate();
    let outbox = Outbox::new(Pages::builder().build().unwrap(), keys.clone(), "https://app.example.com".parse().unwrap());
    let broken = Arc::new(Broken::default());
    // A sender for each attempt, so that none finds its breaker open.
    let attempt = async |id| {
        let mailer: Arc<dyn Mailer> = broken.clone();
        MailSender::new(&test.db, mailer, keys.clone()).attempt(id).await.unwrap()
    };
    let mut tx = test.db.system("write").begin().await.unwrap();
    let letter = Welcome { name: "Ada".to_owned(), href: outbox.link("/") };
    let id = outbox.mail_system_in(&mut tx, None, &to("ada@example.com", 1), &letter).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let mut pauses = Vec::new();
    for _ in 0..14 {
        match attempt(id).await {
            MailOutcome::Waits(pause) => pauses.push(pause),
            other => panic!("{other:?}"),
        }
    }
    assert!(pauses[0] <= Duration::from_secs(3) && pauses[13] >= Duration::from_secs(900), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(2700)), "{pauses:?}");
    clock.advance(GIVE_UP_AFTER);
    assert_eq!(attempt(id).await, MailOutcome::Failed);
    let ids = broken.tries.lock().unwrap()["ada@example.com"].clone();
    assert_eq!((ids.len(), ids.iter().collect::<std::collections::BTreeSet<_>>().len()), (15, 1));
}

/// NOT-01: a server that is away is left alone, and taken up again by itself.
#[tokio::test]
async fn a_mail_server_that_is_away_is_not_asked_by_every_letter() {
    let post = Post::new().await;
    let broken = Arc::new(Broken::default());
    let sender = MailSender::new(&post.test.db, broken.clone(), post.keys.clone());
    for number in 0..20 {
        post.write_system(None, &to(&format!("reader{number}@example.com"), number)).await.unwrap();
    }
    deliver(&post.test.db, &sender).await.unwrap();
    assert_eq!(broken.tries.lock().unwrap().len(), 3);
    assert_eq!(MailCounts::read(&post.test.db).await.unwrap().open, 20);
    *broken.works.lock().unwrap() = true;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while MailCounts::read(&post.test.db).await.unwrap().open > 0 {
        assert!(tokio::time::Instant::now() < deadline);
        deliver(&post.test.db, &sender).await.unwrap();
    }
    assert_eq!(broken.tries.lock().unwrap().len(), 20);
}

/// NOT-01: nobody's mailbox is flooded, whoever writes; what is too much waits.
#[tokio::test]
async fn an_address_gets_so_many_letters_an_hour_and_the_rest_later() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let test = TestDb::at(&[], clock.clone(), 10).await.unwrap();
    let keys = MasterKey::generate();
    let outbox = Outbox::new(Pages::builder().build().unwrap(), keys.clone(), "https://app.example.com".parse().unwrap());
    let (taken, mut mails) = tokio::sync::mpsc::unbounded_channel();
    let config = SenderConfig { per_address_and_hour: 3, concurrency: 8 };
    let sender = MailSender::with(&test.db, Arc::new(super::outbox::Taker(taken)), keys, config);
    let mut ids = Vec::new();
    let mut tx = test.db.system("write").begin().await.unwrap();
    for number in 0..8 {
        let letter = Welcome { name: "Ada".to_owned(), href: outbox.link("/") };
        ids.push(outbox.mail_system_in(&mut tx, None, &to("ada@example.com", number), &letter).await.unwrap().unwrap());
    }
    let letter = Welcome { name: "Bob".to_owned(), href: outbox.link("/") };
    ids.push(outbox.mail_system_in(&mut tx, None, &to("bob@example.com", 1), &letter).await.unwrap().unwrap());
    tx.commit().await.unwrap();
    // All at once.
    let attempts: Vec<_> = ids
        .iter()
        .map(|id| {
            let (sender, id) = (sender.clone(), *id);
            tokio::spawn(async move { sender.attempt(id).await.unwrap() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for attempt in attempts {
        outcomes.push(attempt.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == MailOutcome::Sent).count(), 4, "{outcomes:?}");
    let hour = Duration::from_secs(3600);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, MailOutcome::Sent) || *outcome == MailOutcome::Waits(hour)), "{outcomes:?}");
    clock.advance(TimeDelta::hours(1));
    deliver(&test.db, &sender).await.unwrap();
    let sent: Vec<_> = std::iter::from_fn(|| mails.try_recv().ok()).map(|mail: Mail| mail.to).collect();
    assert_eq!(sent.iter().filter(|to| *to == "ada@example.com").count(), 6);
}
