use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use saas_core::mail::{Mail, MailError, Mailer};
use tokio::sync::watch;

/// Keeps mail for a test to read.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    mails: Arc<watch::Sender<Vec<Mail>>>,
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        Self { mails: Arc::new(watch::Sender::default()) }
    }

    /// All that was sent so far.
    pub(crate) fn all(&self) -> Vec<Mail> {
        self.mails.borrow().clone()
    }

    /// Waits until so many were sent, and gives the last.
    pub(crate) async fn nth(&self, count: usize) -> Mail {
        let mut mails = self.mails.subscribe();
        let arrived = mails.wait_for(|mails| mails.len() >= count);
        let mails = tokio::time::timeout(Duration::from_secs(30), arrived).await.expect("the mail arrives").unwrap();
        mails[count - 1].clone()
    }
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.mails.send_modify(|mails| mails.push(mail.clone()));
        Ok(())
    }
}

/// The path and query of the link in a mail.
pub(crate) fn link(mail: &Mail) -> String {
    let start = mail.text.find("http").expect("a mail has a link");
    let url: url::Url = mail.text[start..].split_whitespace().next().unwrap().parse().unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// The token of the link in a mail.
pub(crate) fn token(mail: &Mail) -> String {
    let url: url::Url = format!("http://localhost{}", link(mail)).parse().unwrap();
    url.query_pairs().find(|(name, _)| name == "token").expect("the link has a token").1.into_owned()
}
