use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use saas_core::{
    Db, MasterKey,
    mail::{Accepted, Mail, MailError, MailSender, Mailer, Outbox, SenderConfig},
    pages::Pages,
    testing::deliver,
};
use url::Url;

/// The outbox of an application, and what leaves it for a test to read.
#[derive(Clone)]
pub(crate) struct Mailbox {
    pub(crate) outbox: Outbox,
    db: Db,
    sender: MailSender,
    kept: Kept,
}

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<Mail>>>);

impl Mailbox {
    pub(crate) fn new(db: &Db, pages: &Pages, public_url: &Url) -> Self {
        let (keys, kept) = (MasterKey::generate(), Kept::default());
        // What is tested here are the limits of accounts; an address' own would only be in the way.
        let config = SenderConfig { per_address_and_hour: 1000, ..SenderConfig::default() };
        let sender = MailSender::with(db, Arc::new(kept.clone()), keys.clone(), config);
        Self { outbox: Outbox::new(pages.clone(), keys, public_url.clone()), db: db.clone(), sender, kept }
    }

    /// All that was written so far, but for what greets people: that comes once for each account, whatever a test is about.
    pub(crate) async fn all(&self) -> Vec<Mail> {
        self.kept(false).await
    }

    /// All that greeted people so far.
    pub(crate) async fn welcomes(&self) -> Vec<Mail> {
        self.kept(true).await
    }

    async fn kept(&self, welcomes: bool) -> Vec<Mail> {
        deliver(&self.db, &self.sender).await.unwrap();
        let is_welcome = |mail: &Mail| ["Welcome to ", "Willkommen bei "].iter().any(|begin| mail.subject.starts_with(begin));
        self.kept.0.lock().unwrap().iter().filter(|mail| is_welcome(mail) == welcomes).cloned().collect()
    }

    /// Waits until so many were written, and gives the last.
    pub(crate) async fn nth(&self, count: usize) -> Mail {
        let arrived = async {
            loop {
                match self.all().await.into_iter().nth(count - 1) {
                    Some(mail) => return mail,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), arrived).await.expect("the mail arrives")
    }
}

#[async_trait]
impl Mailer for Kept {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(Accepted { answer: String::new() })
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

/// The code in a mail, as it is shown.
pub(crate) fn code(mail: &Mail) -> String {
    let is_code = |line: &&str| line.len() == 9 && line.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ');
    mail.text.lines().find(is_code).expect("the mail has a code").to_owned()
}
