use uuid::Uuid;

use crate::{
    Db, DbError,
    mail::{Mail, MailError, MailId, MailSender, Mailer, MessageId},
};

/// Sends all that waits in the outbox, once each, as the jobs of a running program do; how many letters that were.
///
/// # Errors
///
/// Fails if the database does.
pub async fn deliver(db: &Db, sender: &MailSender) -> Result<usize, DbError> {
    let mut tx = db.system("deliver the mail of a test").begin().await?;
    let waiting: Vec<MailId> =
        sqlx::query_scalar("select id from core.mail where state = 'queued' order by queued_at, id").fetch_all(&mut *tx).await?;
    tx.commit().await?;
    for id in &waiting {
        sender.attempt(*id).await?;
    }
    Ok(waiting.len())
}

/// What arrived at the other end of a mailer, read by somebody else's program where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The `Message-ID`.
    pub message_id: String,
    /// In whose name it came.
    pub from_name: Option<String>,
    /// The addresses in its header; nobody else may have got it.
    pub to: Vec<String>,
    /// The subject, decoded.
    pub subject: String,
    /// The plain part, with `\n` for line ends.
    pub text: String,
    /// The HTML part, likewise.
    pub html: String,
}

/// A message to one person, for tests.
#[must_use]
pub fn sample_mail(to: &str) -> Mail {
    Mail {
        message_id: MessageId::new(Uuid::now_v7(), "example.com"),
        from_name: None,
        to: to.to_owned(),
        to_name: None,
        subject: "Confirm your address".to_owned(),
        text: "Hello\n".to_owned(),
        html: "<p>Hello</p>\n".to_owned(),
        unsubscribe: None,
    }
}

/// Demands of a mailer what the documentation of [`Mailer`] does. `arrived` waits for the next message at its other end.
///
/// # Panics
///
/// If the mailer does something else.
pub async fn mailer_conforms<M, F>(mailer: &M, mut arrived: F)
where
    M: Mailer,
    F: AsyncFnMut() -> Arrived,
{
    // What could end a header and begin another, or a message and begin another.
    for broken in ["a\r\nBcc: eve@example.com", "a\nBcc: eve@example.com", "a\rb", "a\0b", "a\u{85}b"] {
        let whole = sample_mail("ada@example.com");
        for mail in [
            Mail { subject: broken.to_owned(), ..whole.clone() },
            Mail { to_name: Some(broken.to_owned()), ..whole.clone() },
            Mail { from_name: Some(broken.to_owned()), ..whole.clone() },
            Mail { to: format!("{broken}@example.com"), ..whole.clone() },
        ] {
            let refused = mailer.send(&mail).await;
            assert!(matches!(refused, Err(MailError::Message(_))), "{mail:?}: {refused:?}");
        }
    }
    let long = format!("{}@example.com", "a".repeat(250));
    for address in
        ["", "ada", "@example.com", "ada@", "ada@example.com, eve@example.com", "Ada <ada@example.com>", "a b@example.com", &long]
    {
        let refused = mailer.send(&sample_mail(address)).await;
        assert!(matches!(refused, Err(MailError::Message(_))), "{address}: {refused:?}");
    }

    let long_subject = "Bestätigen Sie – endlich! – Ihre Adresse 📬 ".repeat(6);
    for mail in [
        sample_mail("ada@example.com"),
        Mail {
            subject: long_subject.trim().to_owned(),
            to_name: Some("Дарья \"D.\" O'Нил, Жр.".to_owned()),
            from_name: Some("Müller & Söhne, <GmbH>".to_owned()),
            text: "Grüße\n.\n..\n\nQUIT\n.hidden\nFrom here\n".to_owned() + &"long ".repeat(400) + "\n",
            html: "<p>Grüße</p>\n.\n<p>".to_owned() + &"x".repeat(3000) + "</p>\n",
            ..sample_mail("ada+tag@example.com")
        },
    ] {
        mailer.send(&mail).await.unwrap_or_else(|error| panic!("{mail:?} is refused: {error:?}"));
        let found = arrived().await;
        assert_eq!(found.message_id, mail.message_id.as_str());
        assert_eq!(found.to, [mail.to.as_str()]);
        assert_eq!(found.subject, mail.subject);
        assert_eq!(found.text, mail.text);
        assert_eq!(found.html, mail.html);
        assert!(mail.from_name.is_none() || found.from_name == mail.from_name, "{found:?}");
        // The same letter once more, as after an answer that got lost.
        mailer.send(&mail).await.unwrap_or_else(|error| panic!("{mail:?} is refused: {error:?}"));
        assert_eq!(arrived().await.message_id, mail.message_id.as_str());
    }
}
