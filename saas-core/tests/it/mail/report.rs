//! Reports that come back by mail, in the shapes in which mail servers and mail providers write them, and in those of somebody who means ill.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use saas_core::{
    TenantId,
    mail::{Envelope, MailId, MailReport, NoReport, REPORT_MAX, ReportError, Reported, SuppressionReason},
};
use uuid::Uuid;

use super::outbox::Post;

/// A letter that was sent, and came back.
struct Back {
    post: Post,
    tenant: TenantId,
    letters: u32,
}

impl Back {
    async fn new() -> Self {
        let post = Post::new().await;
        Self { tenant: post.test.tenant("acme").await, post, letters: 0 }
    }

    /// Sends a letter; itself and its id.
    async fn sent(&mut self, address: &str) -> (MailId, String) {
        let written = self.written(address).await;
        self.post.deliver().await;
        written
    }

    /// Writes one that waits.
    async fn written(&mut self, address: &str) -> (MailId, String) {
        self.letters += 1;
        let id = self.post.write(self.tenant, &Envelope::new(address, "about", self.letters)).await.unwrap();
        let mut tx = self.post.test.db.system("look at a letter").begin().await.unwrap();
        let asked = sqlx::query_scalar("select message_id from core.mail where id = $1").bind(Uuid::from(id));
        (id, asked.fetch_one(&mut *tx).await.unwrap())
    }

    async fn reported(&self, message: &str) -> Result<Reported, ReportError> {
        let report = MailReport::read(message.as_bytes()).unwrap_or_else(|error| panic!("{error}: {message}"));
        let mut tx = self.post.test.db.system("a report came back").begin().await.unwrap();
        let reported = self.post.sender.suppressions().report_in(&mut tx, &report).await?;
        tx.commit().await.unwrap();
        Ok(reported)
    }

    async fn suppressed(&self, address: &str) -> Option<(SuppressionReason, Option<String>)> {
        let mut tx = self.post.test.db.system("look").begin().await.unwrap();
        let found = self.post.sender.suppressions().find_in(&mut tx, address).await.unwrap();
        found.map(|found| (found.reason, found.answer))
    }

    async fn state(&self, id: MailId) -> String {
        self.post.state(id).await.0
    }
}

/// An id as ours are written, of a letter and with a mark that the program did not make.
fn invented(letter: Uuid) -> String {
    format!("<{}@app.example.com>", URL_SAFE_NO_PAD.encode([letter.into_bytes(), *b"a mark of theirs"].concat()))
}

/// The head of the letter that went to somebody, as it is returned.
fn returned(id: &str, to: &str) -> String {
    format!("From: Monitoring <no-reply@app.example.com>\nTo: {to}\nSubject: Welcome to Monitoring\nMessage-ID: {id}\nMIME-Version: 1.0\n")
}

/// As Postfix says that it has given up, with the head of the letter.
fn postfix(id: &str, to: &str, (action, status, answer): (&str, &str, &str)) -> String {
    let head = returned(id, to);
    format!(
        "Return-Path: <>\nReceived: by mx.app.example.com (Postfix)\n\tid 4F1; Tue,  3 Nov 2026 10:00:00 +0000 (UTC)\n\
         From: MAILER-DAEMON@mx.app.example.com (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender\n\
         To: bounces@app.example.com\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"4F1.17620/mx.app.example.com\"\n\n\
         This is a MIME-encapsulated message.\n\n--4F1.17620/mx.app.example.com\nContent-Description: Notification\n\
         Content-Type: text/plain; charset=us-ascii\n\nThe letter was not taken: {answer}\n\n\
         --4F1.17620/mx.app.example.com\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.app.example.com\nX-Postfix-Queue-ID: 4F1\nArrival-Date: Tue,  3 Nov 2026 09:59:58 +0000 (UTC)\n\n\
         Final-Recipient: rfc822; {to}\nOriginal-Recipient: rfc822;{to}\nAction: {action}\nStatus: {status}\n\
         Remote-MTA: dns; mx.example.com\nDiagnostic-Code: smtp; {answer}\n\n\
         --4F1.17620/mx.app.example.com\nContent-Description: Undelivered Message Headers\nContent-Type: text/rfc822-headers\n\n\
         {head}\n--4F1.17620/mx.app.example.com--\n"
    )
}

/// As Exim does, to a program behind a pipe, with the whole letter: its status says nothing, and its lines end as on the wire.
fn exim(id: &str, to: &str, answer: &str) -> String {
    let head = returned(id, to);
    let message = format!(
        "X-Failed-Recipients: {to}\nAuto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@relay.example.net>\n\
         To: bounces@app.example.com\nContent-Type: multipart/report; report-type=delivery-status; boundary=1762164000-eximdsn-99\n\
         MIME-Version: 1.0\nSubject: Mail delivery failed\n\n--1762164000-eximdsn-99\nContent-type: text/plain; charset=us-ascii\n\n\
         It could not be brought to {to}.\n\n--1762164000-eximdsn-99\nContent-type: message/delivery-status\n\n\
         Reporting-MTA: dns; relay.example.net\n\nAction: failed\nFinal-Recipient: rfc822;{to}\nStatus: 5.0.0\n\
         Remote-MTA: dns; mx.example.com\nDiagnostic-Code: smtp; {answer}\n\n--1762164000-eximdsn-99\nContent-type: message/rfc822\n\n\
         Return-path: <bounces@app.example.com>\n{head}Content-Type: multipart/alternative; boundary=b\n\n--b\n\nHello\n--b--\n\n\
         --1762164000-eximdsn-99--\n"
    );
    format!("From MAILER-DAEMON Tue Nov  3 10:00:00 2026\r\n{}", message.replace('\n', "\r\n"))
}

/// As a mail provider passes on that somebody complained, in the format of abuse reports; some do not say who it was.
fn feedback(id: &str, kind: &str, named: Option<&str>) -> String {
    let named = named.map(|address| format!("Original-Rcpt-To: <{address}>\n")).unwrap_or_default();
    let head = returned(id, "somebody@example.com");
    format!(
        "From: <feedback@provider.example>\nTo: <bounces@app.example.com>\nSubject: FW: Welcome to Monitoring\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=\"feedback-report\"; boundary=\"part_Aq\"\n\n--part_Aq\n\
         Content-Type: text/plain; charset=\"US-ASCII\"\nContent-Transfer-Encoding: 7bit\n\nSomebody did not want this.\n\n--part_Aq\n\
         Content-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: Provider/1.0\nVersion: 1\n{named}\
         Arrival-Date: Tue, 3 Nov 2026 10:00:00 +0000\nSource-IP: 192.0.2.1\n\n--part_Aq\nContent-Type: message/rfc822\n\
         Content-Disposition: inline\n\n{head}\nHello\n\n--part_Aq--\n"
    )
}

/// Writes the report that a letter with this id to this address came back.
type Shape<'a> = &'a dyn Fn(&str, &str) -> String;

/// NOT-01: a bounce that comes back by mail is one, in whatever shape it comes.
#[tokio::test]
async fn a_mailbox_that_is_reported_not_to_be_there_gets_nothing_more() {
    let mut back = Back::new().await;
    let answer = "550 5.1.1 <gone@example.com>: nobody\n    is called so";
    let encoded = |id: &str, to: &str| {
        let plain = postfix(id, to, ("failed", "5.1.1", answer));
        let (head, tail) = (returned(id, to), "Content-Type: text/rfc822-headers\n");
        plain.replace(tail, &format!("{tail}Content-Transfer-Encoding: base64\n")).replace(&head, &format!("{}\n", STANDARD.encode(&head)))
    };
    let shapes: [(&str, Shape<'_>); 4] = [
        ("one@example.com", &|id, to| postfix(id, to, ("failed", "5.1.1", answer))),
        ("two@example.com", &|id, to| exim(id, &to.to_uppercase(), answer)),
        ("three@example.com", &encoded),
        ("four@example.com", &|id, to| postfix(id, to, ("Failed (for good)", "5.1.10 (unknown)", "550 5.1.10 nobody"))),
    ];
    for (address, shape) in shapes {
        let (letter, id) = back.sent(address).await;
        let report = shape(&id, address);
        for _ in 0..2 {
            assert_eq!(back.reported(&report).await.unwrap(), Reported::Suppressed(SuppressionReason::Bounce), "{report}");
        }
        assert_eq!(back.state(letter).await, "failed");
        let (reason, said) = back.suppressed(address).await.unwrap();
        let said = said.unwrap();
        assert!(reason == SuppressionReason::Bounce && said.starts_with("5.") && said.contains("nobody"), "{said}");
        let (_, _, answer, _) = back.post.state(letter).await;
        assert!(!said.contains('@') && answer.is_some_and(|answer| answer == said), "no address is kept in it: {said}");
        let (next, _) = back.sent(address).await;
        assert_eq!(back.state(next).await, "suppressed");
    }
}

/// NOT-01: only what is said of the mailbox, and for good, stops mail to it.
#[tokio::test]
async fn what_is_reported_of_one_letter_stops_no_other() {
    let mut back = Back::new().await;
    let (letter, id) = back.sent("ada@example.com").await;
    for said in [("delayed", "4.4.1", "451 4.4.1 away"), ("failed", "2.0.0", "250 taken"), ("delivered", "2.0.0", "250 taken")] {
        assert_eq!(back.reported(&postfix(&id, "ada@example.com", said)).await.unwrap(), Reported::Nothing, "{said:?}");
        assert_eq!(back.state(letter).await, "sent");
    }
    let refused = [
        postfix(&id, "ada@example.com", ("failed", "5.7.1", "550 5.7.1 looks like spam")),
        postfix(&id, "ada@example.com", ("failed", "5.2.2", "552 5.2.2 mailbox full")),
        // It may have been said of the letter.
        exim(&id, "ada@example.com", "550 no"),
        // Nobody tries it again.
        postfix(&id, "ada@example.com", ("failed", "4.4.7", "450 4.4.7 too long")),
    ];
    for report in refused {
        assert_eq!(back.reported(&report).await.unwrap(), Reported::Failed, "{report}");
    }
    let (state, _, answer, _) = back.post.state(letter).await;
    assert_eq!((state.as_str(), answer.unwrap().split(' ').next()), ("failed", Some("5.7.1")), "it is known why it did not arrive");
    // Nor is a letter stopped that is still on its way from here.
    let (letter, id) = back.written("ada@example.com").await;
    let said = ("failed", "5.7.1", "550 5.7.1 looks like spam");
    assert_eq!(back.reported(&postfix(&id, "ada@example.com", said)).await.unwrap(), Reported::Nothing);
    assert_eq!(back.state(letter).await, "queued");
    let (late, id) = back.sent("late@example.com").await;
    assert_eq!(
        back.reported(&postfix(&id, "late@example.com", ("failed", "4.4.7", "450 4.4.7 too long"))).await.unwrap(),
        Reported::Failed
    );
    assert_eq!((back.state(letter).await, back.state(late).await), ("sent".to_owned(), "failed".to_owned()));
    for address in ["ada@example.com", "late@example.com"] {
        assert_eq!(back.suppressed(address).await, None, "{address}");
    }
}

/// NOT-01: whoever complains gets nothing more, whether or not they are named; and is not written to again because their mail came back before.
#[tokio::test]
async fn whoever_is_reported_to_complain_gets_nothing_more() {
    let mut back = Back::new().await;
    let complaint = Reported::Suppressed(SuppressionReason::Complaint);
    for (address, named) in [("ada@example.com", Some("Ada@Example.com")), ("bob@example.com", None)] {
        let (_, id) = back.sent(address).await;
        assert_eq!(back.reported(&feedback(&id, "not-spam", named)).await.unwrap(), Reported::Nothing);
        assert_eq!(back.reported(&feedback(&id, "abuse", named)).await.unwrap(), complaint);
        assert_eq!(back.suppressed(address).await, Some((SuppressionReason::Complaint, None)));
        let bounce = postfix(&id, address, ("failed", "5.1.1", "550 5.1.1 nobody"));
        assert!(back.reported(&bounce).await.is_ok());
        assert_eq!(back.suppressed(address).await.unwrap().0, SuppressionReason::Complaint, "it stays a complaint");
    }
    let (_, id) = back.sent("eve@example.com").await;
    assert!(back.reported(&postfix(&id, "eve@example.com", ("failed", "5.1.1", "550 5.1.1 nobody"))).await.is_ok());
    assert_eq!(back.reported(&feedback(&id, "Abuse", None)).await.unwrap(), complaint);
    assert_eq!(back.suppressed("eve@example.com").await, Some((SuppressionReason::Complaint, None)));
}

/// NOT-01, topic 4: nobody stops mail to somebody else, whatever they write: to a member of another organization, say, with a letter of their own.
#[tokio::test]
async fn a_report_is_believed_of_nobody_but_the_reader_of_a_letter() {
    let mut back = Back::new().await;
    let (victim, _) = back.sent("victim@example.com").await;
    back.tenant = back.post.test.tenant("globex").await;
    let (_, own) = back.sent("eve@example.net").await;
    let gone = ("failed", "5.1.1", "550 5.1.1 nobody");
    // The letter's own id somebody may see in a log; what it was sent under, only in the letter and on its way.
    let (invented, elsewhere) = (invented(Uuid::now_v7()), invented(victim.into()));
    for unknown in [
        postfix(&invented, "victim@example.com", gone),
        postfix(&elsewhere, "victim@example.com", gone),
        feedback(&invented, "abuse", Some("victim@example.com")),
        feedback(&elsewhere, "abuse", None),
    ] {
        assert!(matches!(back.reported(&unknown).await, Err(ReportError::Unknown)), "{unknown}");
    }
    for other in [
        postfix(&own, "victim@example.com", gone),
        exim(&own, "victim@example.com", "550 5.1.1 nobody"),
        feedback(&own, "abuse", Some("victim@example.com")),
        // Mail to them is passed on to where nobody is; of their own mailbox that says nothing.
        postfix(&own, "eve@example.net", gone)
            .replace("Final-Recipient: rfc822; eve@example.net", "Final-Recipient: rfc822; eve@old.example"),
    ] {
        assert!(matches!(back.reported(&other).await, Err(ReportError::OtherReader)), "{other}");
    }
    assert_eq!(back.post.count("select count(*) from core.mail_suppression").await, 0);
    assert_eq!(back.post.count("select count(*) from core.mail where state = 'sent'").await, 2);
}

/// NOT-01: what is no report is not taken for one, however large, deep or short it is, and costs little.
#[test]
fn what_is_no_report_of_one_of_our_letters_is_not_read() {
    let id = invented(Uuid::now_v7());
    let whole = postfix(&id, "ada@example.com", ("failed", "5.1.1", "550 5.1.1 nobody"));
    let report = MailReport::read(whole.as_bytes()).unwrap();
    // Each beginning of it.
    let close = whole.trim_end().len();
    for length in 0..close {
        assert!(MailReport::read(&whole.as_bytes()[..length]).is_err(), "{length}: {}", &whole[..length]);
    }
    assert_eq!(MailReport::read(&whole.as_bytes()[..close]), Ok(report.clone()));

    let read = |message: &str| MailReport::read(message.as_bytes());
    let nested = |message: &str| whole.replace(&returned(&id, "ada@example.com"), message);
    // A report of a report: the letter that comes back is no letter of ours, whatever lies in it.
    assert_eq!(read(&nested(&whole)), Err(NoReport::NoLetter));
    for other in [
        "<17@mail.example>",
        &format!("<{}@app.example.com>", Uuid::now_v7()),
        &id.replace("app", "a\0p"),
        &id.replace("app", &"a".repeat(400)),
    ] {
        assert_eq!(read(&nested(&format!("Message-ID: {other}\n"))), Err(NoReport::NoLetter), "{other:?}");
    }
    assert_eq!(read(&nested("Subject: Hello\n\nMessage-ID: <none>\n")), Err(NoReport::NoLetter));
    assert_eq!(read(&whole.replace("Final-Recipient: rfc822;", "Final-Recipient: x400;")), Err(NoReport::NoReader));
    assert_eq!(read(&whole.replace("Status: 5.1.1", "State: 5.1.1")), Err(NoReport::NoReader));
    for (what, other) in [("multipart/report", "multipart/mixed"), ("report-type=delivery-status", "report-type=disposition-notification")]
    {
        assert_eq!(read(&whole.replace(what, other)), Err(NoReport::Other), "{other}");
    }
    for other in
        ["", "\n", "From \n", "Subject: Hello\n\nHello\n", "Content-Type: multipart/report; report-type=delivery-status\n\nHello\n"]
    {
        assert_eq!(read(other), Err(NoReport::Other), "{other:?}");
    }

    // As large as may be: deep, wide, empty, and one field; and larger.
    let begins = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n";
    let filled = |unit: &str| format!("{begins}{}", unit.repeat((REPORT_MAX - begins.len()) / unit.len()));
    for unit in ["--b\nContent-Type: message/rfc822\n\n", "--b\n", "\n", "--b", "Content-Type: multipart/mixed; boundary=b\n\n--b\n"] {
        assert_eq!(read(&filled(unit)), Err(NoReport::CutOff), "{unit:?}");
    }
    for unit in ["\n", "a: b\n\n", "Final-Recipient: rfc822; a@b.c\nAction: failed\nStatus: 5.1.1\n\n", "a"] {
        let room = REPORT_MAX - whole.len();
        let stuffed = whole.replacen("Reporting-MTA: dns;", &format!("{}Reporting-MTA: dns;", unit.repeat(room / unit.len())), 1);
        // What is said after it may be left out, and nothing else is made of it.
        assert!(matches!(read(&stuffed), Ok(_) | Err(NoReport::NoReader)), "{unit:?}");
    }
    let divided: String = (0..REPORT_MAX / 10).map(|number| format!(";\n a*{number}*=b")).collect();
    let divided = &format!("Content-Type: multipart/report{divided}")[..REPORT_MAX - whole.len() - 100];
    assert_eq!(read(&format!("{divided}\n{whole}")), Err(NoReport::Other));
    assert_eq!(read(&nested(&format!("Message-ID: {id}\n{divided}\n"))), Err(NoReport::NoLetter));
    let deep = "Content-Type: message/rfc822\n\n".repeat(REPORT_MAX / 40);
    assert_eq!(read(&nested(&format!("Message-ID: {id}\n{deep}"))), Ok(report));
    assert_eq!(read(&nested(&"x".repeat(REPORT_MAX))), Err(NoReport::TooLarge));
}
