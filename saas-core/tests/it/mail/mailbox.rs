use std::collections::HashSet;

use saas_core::{
    Clock,
    mail::DevMailbox,
    testing::{Arrived, mailer_conforms},
};
use tempfile::TempDir;

/// NOT-01: the mailbox of development refuses what a mail server would.
#[tokio::test]
async fn the_mailbox_of_development_keeps_each_message_as_it_is() {
    let folder = TempDir::new().unwrap();
    let mailbox = DevMailbox::new(folder.path(), Clock::system()).unwrap();
    let mut seen = HashSet::new();
    let kept = mailbox.clone();
    mailer_conforms(&mailbox, async || {
        let fresh = kept.list().await.unwrap().into_iter().find(|it| seen.insert(it.id)).expect("it is there at once");
        let mail = fresh.mail;
        Arrived {
            message_id: mail.message_id.to_string(),
            from_name: mail.from_name,
            to: vec![mail.to],
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
        }
    })
    .await;
}
