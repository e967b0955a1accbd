use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use saas_core::{
    Db, MasterKey,
    mail::{Accepted, Mail, MailError, MailSender, Mailer, Outbox, SenderConfig},
    pages::Pages,
    testing::deliver,
};

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
    pub(crate) fn new(db: &Db, pages: &Pages) -> Self {
        let (keys, kept) = (MasterKey::generate(), Kept::default());
        // What is tested here are the limits of organizations; an address' own would only be in the way.
        let config = SenderConfig { per_address_and_hour: 1000, ..SenderConfig::default() };
        let sender = MailSender::with(db, Arc::new(kept.clone()), keys.clone(), config);
        let outbox = Outbox::new(pages.clone(), keys, "http://localhost:3000".parse().unwrap());
        Self { outbox, db: db.clone(), sender, kept }
    }

    /// All that was written so far to this address.
    pub(crate) async fn to(&self, address: &str) -> Vec<Mail> {
        self.all().await.into_iter().filter(|mail| mail.to == address).collect()
    }

    pub(crate) async fn all(&self) -> Vec<Mail> {
        deliver(&self.db, &self.sender).await.unwrap();
        self.kept.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Mailer for Kept {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(Accepted { answer: String::new() })
    }
}

/// The token of the link in a mail.
pub(crate) fn token(mail: &Mail) -> String {
    let (_, rest) = mail.text.split_once("/invitation?token=").expect("the mail has a link");
    rest.split_whitespace().next().unwrap().to_owned()
}
