use std::collections::HashSet;

use http::StatusCode;
use saas_core::{
    Clock, finish,
    mail::DevMailbox,
    pages::Pages,
    testing::{Arrived, TestApp, TestDb, mailer_conforms},
};
use tempfile::TempDir;

use super::letters::LETTERS;

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

/// NOT-02: every letter can be looked at in each language, as its reader sees it and as text.
#[tokio::test]
async fn every_letter_can_be_looked_at_in_the_mailbox_of_development() {
    let (test, folder) = (TestDb::new(&[]).await.unwrap(), TempDir::new().unwrap());
    let routes = DevMailbox::new(folder.path(), Clock::system()).unwrap().routes();
    let pages = Pages::builder().product("Monitoring").build().unwrap();
    let samples = pages.samples().unwrap();
    let app = TestApp::new(finish(routes, TestApp::web(&test, &pages)));
    let here = app.browser().here();
    let list = here.page("/dev/mail/preview").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text());
    for letter in LETTERS {
        let name = format!("core/mail/{letter}");
        assert!(list.text().contains(&name.replace('/', "&#x2f;")), "{letter} is not in the list");
        let sample = &samples.iter().find(|sample| sample.template == format!("{name}.mjml")).unwrap().name;
        for locale in ["en", "de"] {
            let address = format!("/dev/mail/preview/letter?name={name}&sample={sample}&locale={locale}");
            let (html, text) = (here.page(&address).await, here.page(&format!("{address}&text=true")).await);
            assert_eq!((html.status, text.status), (StatusCode::OK, StatusCode::OK), "{address}");
            assert!(html.text().contains(&format!("lang=\"{locale}\"")), "{address}");
            assert!(!text.text().contains('<') && text.text().contains("Monitoring"), "{address}: {}", text.text());
        }
    }
    assert_eq!(app.browser().page("/dev/mail/preview").await.status, StatusCode::NOT_FOUND, "on this machine alone");
}
