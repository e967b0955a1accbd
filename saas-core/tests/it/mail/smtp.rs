use std::time::{Duration, Instant};

use saas_core::{
    Secret,
    mail::{Mail, MailError, Mailer as _, SmtpError, SmtpMailer, SmtpOptions},
    testing::{mailer_conforms, sample_mail},
};
use tokio::net::TcpListener;

use super::sink::{Mode, Sink};

/// NOT-01, topic 4: headers cannot be injected, names and subjects may be of any script, both parts arrive as they are, under the given id.
#[tokio::test]
async fn a_mail_server_gets_each_message_as_it_is() {
    let mut sink = Sink::new(Mode::Plain).await;
    let mailer = sink.mailer();
    mailer_conforms(&mailer, async || sink.arrived().await).await;
}

/// NOT-01
#[tokio::test]
async fn credentials_are_sent_over_tls_alone() {
    for mode in [Mode::StartTls, Mode::Tls] {
        let mut sink = Sink::new(mode).await;
        // The password has characters that mean something in an address.
        sink.mailer_with("user:pass%40word@", sink.options()).send(&sample_mail("ada@example.com")).await.unwrap();
        let message = sink.message().await;
        assert_eq!((message.tls, message.user.as_deref()), (true, Some("user")), "{mode:?}");
        let wrong = sink.mailer_with("user:wrong@", sink.options()).send(&sample_mail("eve@example.com")).await;
        assert!(matches!(wrong, Err(MailError::Transport(_))), "settings can be corrected, so the letter waits: {wrong:?}");
    }
    let clear = Sink::new(Mode::Plain).await;
    let refused = SmtpMailer::new(&clear.url("user:pass%40word@"), "no-reply@example.com");
    assert!(matches!(refused, Err(SmtpError::PlainCredentials)));
}

/// NOT-01: reports come back to the address that is set for them, which no reader sees; without one, to the sender.
#[tokio::test]
async fn reports_come_back_to_where_they_are_read() {
    let mut sink = Sink::new(Mode::Plain).await;
    for (return_path, expected) in [(None, "no-reply@example.com"), (Some("bounces@example.com"), "bounces@example.com")] {
        let options = SmtpOptions { return_path: return_path.map(str::to_owned), ..sink.options() };
        sink.mailer_with("", options).send(&sample_mail("ada@example.com")).await.unwrap();
        let message = sink.message().await;
        assert_eq!((message.from.as_str(), message.header_from.as_str()), (expected, "Monitoring <no-reply@example.com>"));
    }
    let options = SmtpOptions { return_path: Some("nobody".to_owned()), ..sink.options() };
    let wrong = SmtpMailer::with(&sink.url(""), "no-reply@example.com", &options);
    assert!(matches!(wrong, Err(SmtpError::ReturnPath(_))));
}

/// NOT-01: a server that does not offer STARTTLS, or whose offer somebody took away, gets nothing.
#[tokio::test]
async fn a_server_without_tls_gets_nothing_where_tls_is_wanted() {
    let mut sink = Sink::new(Mode::Plain).await;
    let url = Secret::new(format!("smtp://127.0.0.1:{}?tls=required", sink.port));
    let mailer = SmtpMailer::new(&url, "no-reply@example.com").unwrap();
    let refused = mailer.send(&sample_mail("ada@example.com")).await;
    assert!(matches!(refused, Err(MailError::Transport(_))), "{refused:?}");
    sink.mailer().send(&sample_mail("grace@example.com")).await.unwrap();
    assert!(sink.next_is_to("grace@example.com").await);
}

/// NOT-01
#[tokio::test]
async fn a_certificate_that_does_not_match_is_refused() {
    for mode in [Mode::StartTls, Mode::Tls] {
        let other_name = Sink::certified(mode, "127.0.0.2").await;
        let refused = other_name.mailer().send(&sample_mail("ada@example.com")).await;
        assert!(matches!(refused, Err(MailError::Transport(_))), "{mode:?}: {refused:?}");
        let unknown_authority = Sink::new(mode).await;
        let refused = unknown_authority.mailer_with("", SmtpOptions::default()).send(&sample_mail("ada@example.com")).await;
        assert!(matches!(refused, Err(MailError::Transport(_))), "{mode:?}: {refused:?}");
    }
}

/// NOT-01, topic 4: what can be tried again is told apart from what cannot, and that from a mailbox that does not exist.
#[tokio::test]
async fn answers_of_a_mail_server_are_told_apart() {
    let mut sink = Sink::new(Mode::Plain).await;
    let mailer = sink.mailer();
    for (name, no_such_mailbox) in [("gone", true), ("gone-plain", true), ("spam-rcpt", false), ("spam", false), ("full", false)] {
        match mailer.send(&sample_mail(&format!("{name}@example.com"))).await {
            Err(MailError::Refused { no_such_mailbox: found, answer }) => {
                assert_eq!(found, no_such_mailbox, "{name}: {answer}");
                assert!(answer.starts_with("55"), "{answer}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    for name in ["busy", "greylisted"] {
        let failed = mailer.send(&sample_mail(&format!("{name}@example.com"))).await;
        assert!(matches!(failed, Err(MailError::Later(_))), "{name}: {failed:?}");
    }
    for name in ["later", "hangup", "drop"] {
        let failed = mailer.send(&sample_mail(&format!("{name}@example.com"))).await;
        assert!(matches!(failed, Err(MailError::Transport(_))), "{name}: {failed:?}");
    }
    assert!(sink.next_is_to("drop@example.com").await, "it kept the message and hung up before it said so");
    mailer.send(&sample_mail("greylisted@example.com")).await.unwrap();
    assert!(sink.next_is_to("greylisted@example.com").await);
}

/// NOT-01: whatever the server does, sending ends in a bounded time.
#[tokio::test]
async fn a_silent_server_is_not_waited_for_for_ever() {
    let mut sink = Sink::new(Mode::Plain).await;
    let hasty = SmtpOptions { connect_timeout: Duration::from_millis(500), timeout: Duration::from_millis(500), ..sink.options() };
    let mailer = sink.mailer_with("", hasty.clone());
    let begun = Instant::now();
    for name in ["hang", "silent"] {
        let failed = mailer.send(&sample_mail(&format!("{name}@example.com"))).await;
        assert!(matches!(failed, Err(MailError::Transport(_))), "{name}: {failed:?}");
    }
    // Accepts connections and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Secret::new(format!("smtp://{}", mute.local_addr().unwrap()));
    let failed = SmtpMailer::with(&url, "no-reply@example.com", &hasty).unwrap().send(&sample_mail("ada@example.com")).await;
    assert!(matches!(failed, Err(MailError::Transport(_))), "{failed:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // Nobody is there any more.
    let nobody = Secret::new(format!("smtp://127.0.0.1:{}", { mute.local_addr().unwrap().port() }));
    drop(mute);
    let failed = SmtpMailer::new(&nobody, "no-reply@example.com").unwrap().send(&sample_mail("ada@example.com")).await;
    assert!(matches!(failed, Err(MailError::Transport(_))), "{failed:?}");
    assert!(sink.next_is_to("silent@example.com").await);
}

/// NOT-01: a connection serves many messages, and one whose message was cancelled in the middle serves none.
#[tokio::test]
async fn a_connection_is_kept_for_the_next_message_unless_the_last_one_was_cancelled() {
    let mut sink = Sink::new(Mode::Plain).await;
    let mailer = sink.mailer();
    mailer.send(&sample_mail("ada@example.com")).await.unwrap();
    mailer.send(&sample_mail("ada@example.com")).await.unwrap();
    let (first, second) = (sink.message().await.peer, sink.message().await.peer);
    assert_eq!(first, second);

    let slow = sample_mail("slow@example.com");
    tokio::select! {
        _ = mailer.send(&slow) => panic!("the server takes its time"),
        // It has the message and has not answered.
        message = sink.message() => assert_eq!(message.to, ["slow@example.com"]),
    }
    let answer = mailer.send(&sample_mail("grace@example.com")).await.unwrap().answer;
    assert!(answer.contains("grace"), "not the late answer to another message: {answer}");
    let third = sink.message().await;
    assert_eq!(third.to, ["grace@example.com"]);
    assert_ne!(third.peer, second);
}

/// NOT-01: a connection that the server closed meanwhile costs nothing but a new one.
#[tokio::test]
async fn a_server_that_was_restarted_costs_no_message() {
    let mut sink = Sink::new(Mode::Plain).await;
    let mailer = sink.mailer();
    mailer.send(&sample_mail("ada@example.com")).await.unwrap();
    sink.message().await;
    let port = sink.port;
    drop(sink);
    let mut again = loop {
        // The port is free as soon as the process has ended.
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(free) => {
                drop(free);
                break Sink::at(Mode::Plain, "127.0.0.1", port).await;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    mailer.send(&sample_mail("grace@example.com")).await.unwrap();
    assert!(again.next_is_to("grace@example.com").await);
}

/// NOT-04, RFC 8058.
#[tokio::test]
async fn a_letter_that_is_not_mandatory_can_be_unsubscribed_from_with_one_click() {
    let mut sink = Sink::new(Mode::Plain).await;
    let unsubscribe = Some("https://app.example.com/unsubscribe?token=a".parse().unwrap());
    sink.mailer().send(&Mail { unsubscribe, ..sample_mail("ada@example.com") }).await.unwrap();
    let message = sink.message().await;
    assert_eq!(message.unsubscribe.as_deref(), Some("<https://app.example.com/unsubscribe?token=a>"));
    assert_eq!(message.unsubscribe_post.as_deref(), Some("List-Unsubscribe=One-Click"));
    assert!(message.headers.contains(&"auto-submitted".to_owned()) && message.headers.contains(&"date".to_owned()));
    assert_eq!(message.header_to, "ada@example.com");
}
