use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use saas_core::{
    MasterKey, Secret, TenantId,
    mail::{Accepted, Brand, Envelope, Mail, MailError, MailId, MailOutcome, MailSender, Mailer, Outbox, brand_set_in, letters::Welcome},
    pages::{Locale, Pages},
    testing::{TestDb, deliver},
};
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A database with an outbox, and what leaves it.
pub(crate) struct Post {
    pub(crate) test: TestDb,
    pub(crate) outbox: Outbox,
    pub(crate) keys: MasterKey,
    pub(crate) mails: mpsc::UnboundedReceiver<Mail>,
    pub(crate) sender: MailSender,
}

/// Takes everything.
pub(crate) struct Taker(pub(crate) mpsc::UnboundedSender<Mail>);

#[async_trait]
impl Mailer for Taker {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        self.0.send(mail.clone()).unwrap();
        Ok(Accepted { answer: format!("kept for {}", mail.to) })
    }
}

impl Post {
    pub(crate) async fn new() -> Self {
        let test = TestDb::new(&[]).await.unwrap();
        let keys = MasterKey::generate();
        let pages = Pages::builder().product("Monitoring").build().unwrap();
        let outbox = Outbox::new(pages, keys.clone(), "https://app.example.com".parse().unwrap());
        let (taken, mails) = mpsc::unbounded_channel();
        let sender = MailSender::new(&test.db, Arc::new(Taker(taken)), keys.clone());
        Self { test, outbox, keys, mails, sender }
    }

    pub(crate) fn welcome(&self, name: &str) -> Welcome {
        Welcome { name: name.to_owned(), href: self.outbox.link("/begin") }
    }

    /// Writes a letter in a tenant's transaction of its own.
    pub(crate) async fn write(&self, tenant: TenantId, envelope: &Envelope) -> Option<MailId> {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let id = self.outbox.mail_in(&mut tx, envelope, &self.welcome("Ada")).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// The same from the system's side.
    pub(crate) async fn write_system(&self, tenant: Option<TenantId>, envelope: &Envelope) -> Option<MailId> {
        let mut tx = self.test.db.system("write a letter").begin().await.unwrap();
        let id = self.outbox.mail_system_in(&mut tx, tenant, envelope, &self.welcome("Ada")).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn deliver(&self) -> usize {
        deliver(&self.test.db, &self.sender).await.unwrap()
    }

    /// Everything that was sent.
    pub(crate) fn sent(&mut self) -> Vec<Mail> {
        std::iter::from_fn(|| self.mails.try_recv().ok()).collect()
    }

    /// State, number of attempts, the server's answer, and whether the content is still there.
    pub(crate) async fn state(&self, id: MailId) -> (String, i32, Option<String>, bool) {
        let mut tx = self.test.db.system("look at a letter").begin().await.unwrap();
        sqlx::query_as("select state, attempts, answer, sealed is not null from core.mail where id = $1")
            .bind(Uuid::from(id))
            .fetch_one(&mut *tx)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let mut tx = self.test.db.system("count").begin().await.unwrap();
        sqlx::query_scalar(query).fetch_one(&mut *tx).await.unwrap()
    }
}

/// A connection as the application has it.
async fn as_app(test: &TestDb) -> PgConnection {
    let url: &Secret = &test.database.logins().app;
    PgConnection::connect(url.expose()).await.unwrap()
}

/// NOT-01, topic 4
#[tokio::test]
async fn a_letter_is_sent_if_its_transaction_commits_and_not_otherwise() {
    let mut post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    let mut tx = post.test.db.tenant(acme).begin().await.unwrap();
    let envelope = Envelope::new("ada@example.com", "ada", "joined").named("Ada");
    post.outbox.mail_in(&mut tx, &envelope, &post.welcome("Ada")).await.unwrap().unwrap();
    drop(tx);
    assert_eq!((post.deliver().await, post.count("select count(*) from core.job").await), (0, 0));

    let id = post.write(acme, &envelope).await.unwrap();
    assert_eq!(post.count("select count(*) from core.job where name = 'core.mail' and tenant_id is not null").await, 1);
    assert_eq!(post.deliver().await, 1);
    let mail = post.sent().remove(0);
    assert_eq!(
        (mail.to.as_str(), mail.to_name.as_deref(), mail.subject.as_str()),
        ("ada@example.com", Some("Ada"), "Welcome to Monitoring")
    );
    assert!(mail.text.contains("https://app.example.com/begin") && mail.html.contains("app.example.com"), "{}", mail.text);
    assert_eq!(post.state(id).await, ("sent".to_owned(), 1, Some("kept for ada@example.com".to_owned()), false));
    assert_eq!(post.sender.attempt(id).await.unwrap(), MailOutcome::Over, "a job that comes twice sends once");
    assert!(post.sent().is_empty());
}

/// NOT-01, topic 4: the key of a letter is its kind, what it is about and its cause, for each tenant.
#[tokio::test]
async fn the_same_letter_is_written_once() {
    let mut post = Post::new().await;
    let (acme, globex) = (post.test.tenant("acme").await, post.test.tenant("globex").await);
    let envelope = Envelope::new("ada@example.com", "invoice 7", "payment 9");
    assert!(post.write(acme, &envelope).await.is_some());
    assert!(post.write(acme, &envelope).await.is_none());
    assert!(post.write_system(Some(acme), &envelope).await.is_none());
    assert!(post.write(globex, &envelope).await.is_some(), "another tenant's is another letter");
    assert!(post.write(acme, &Envelope::new("ada@example.com", "invoice 7", "payment 10")).await.is_some());
    assert!(post.write(acme, &Envelope::new("ADA@example.com", "invoice 7", "payment 9")).await.is_none());
    assert!(post.write(acme, &Envelope::new("bob@example.com", "invoice 7", "payment 9")).await.is_some(), "another reader's too");
    assert!(post.write_system(None, &envelope).await.is_some());
    assert!(post.write_system(None, &envelope).await.is_none());
    assert_eq!(post.deliver().await, 5);
    let mut ids: Vec<_> = post.sent().into_iter().map(|mail| mail.message_id.to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    assert!(ids.iter().all(|id| id.ends_with("@app.example.com>")), "{ids:?}");
    assert!(post.write(acme, &envelope).await.is_none(), "also after it was sent");
}

/// NOT-01: what a letter says may open an account, so whoever reads the table reads nothing, and nothing is left when it was sent.
#[tokio::test]
async fn a_letter_is_sealed_for_its_row_while_it_waits() {
    let mut post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    let first = post.write(acme, &Envelope::new("ada@example.com", "ada", "first")).await.unwrap();
    let second = post.write(acme, &Envelope::new("bob@example.com", "bob", "second")).await.unwrap();
    let mut tx = post.test.db.system("look").begin().await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar("select mail::text || encode(coalesce(sealed, ''), 'escape') from core.mail mail")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    for row in rows {
        assert!(!row.contains("example.com/") && !row.contains("ada@") && !row.contains("Hello"), "{row}");
    }
    // Somebody who can write to the table puts Ada's letter in Bob's row.
    sqlx::query("update core.mail set sealed = (select sealed from core.mail where id = $1) where id = $2")
        .bind(Uuid::from(first))
        .bind(Uuid::from(second))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(post.sender.attempt(second).await.unwrap(), MailOutcome::Failed);
    assert_eq!(post.sender.attempt(first).await.unwrap(), MailOutcome::Sent);
    assert_eq!(post.sent().len(), 1);
    assert_eq!(post.count("select count(*) from core.mail where sealed is not null").await, 0);
}

/// NOT-01, T78: the application's login writes for its tenant and reads nothing, not even its own.
#[tokio::test]
async fn the_application_can_write_letters_and_neither_read_nor_change_any() {
    let post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    post.write(acme, &Envelope::new("ada@example.com", "ada", "joined")).await.unwrap();
    for statement in [
        "select count(*) from core.mail",
        "insert into core.mail (id) values (gen_random_uuid())",
        "update core.mail set state = 'sent'",
        "delete from core.mail",
        "select count(*) from core.mail_suppression",
        "delete from core.mail_suppression",
        "select core.mail_put(gen_random_uuid(), null, null, 'a', 'b', 'c', 'd', ''::bytea, ''::bytea, gen_random_uuid(), now())",
    ] {
        let refused = sqlx::query(statement).execute(&mut as_app(&post.test).await).await.unwrap_err();
        let refused = refused.as_database_error().and_then(|error| error.code()).map(std::borrow::Cow::into_owned);
        assert_eq!(refused.as_deref(), Some("42501"), "{statement}");
    }
    // Whatever it calls, the letter is its own tenant's.
    let mut app = as_app(&post.test).await;
    let mut transaction = app.begin().await.unwrap();
    sqlx::query("select set_config('saas.tenant_id', $1, true)").bind(acme.to_string()).execute(&mut *transaction).await.unwrap();
    sqlx::query("select core.mail_add(gen_random_uuid(), 't', 'a', 'c', '<m@h>', sha256('x'), 'x', gen_random_uuid(), now())")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let mut tx = post.test.db.system("look").begin().await.unwrap();
    let row = sqlx::query("select tenant_id from core.mail where template = 't'").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(row.get::<Uuid, _>(0), Uuid::from(acme));
}

/// NOT-02, T78: two tenants' letters written and sent in turns, with attempts that fail in between: each has its own reader, brand and
/// language, and nobody else's.
#[tokio::test]
async fn letters_of_two_tenants_keep_their_reader_their_brand_and_their_language() {
    let mut post = Post::new().await;
    let mut expected = BTreeMap::new();
    for (slug, color, locale) in [("acme", "#ffd400", Locale::De), ("globex", "#102030", Locale::En)] {
        let tenant = post.test.tenant(slug).await;
        let mut tx = post.test.db.tenant(tenant).begin().await.unwrap();
        let logo = Some(format!("https://{slug}.example.com/logo.png").parse().unwrap());
        let brand = Brand { name: Some(format!("{slug} & <co>")), logo, color: Some(color.parse().unwrap()), locale: Some(locale) };
        brand_set_in(&mut tx, &brand).await.unwrap();
        tx.commit().await.unwrap();
        expected.insert(slug, (tenant, color, locale));
    }
    for number in 0..20 {
        for (slug, (tenant, ..)) in &expected {
            post.write(*tenant, &Envelope::new(format!("{slug}{number}@example.com"), slug, number)).await.unwrap();
        }
    }
    // Some were being sent when their process was killed: they are sent again.
    let mut tx = post.test.db.system("kill").begin().await.unwrap();
    let being_sent: Vec<MailId> = sqlx::query_scalar("update core.mail set state = 'sending' where cause in ('3', '4') returning id")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    post.deliver().await;
    for id in being_sent {
        assert_eq!(post.sender.attempt(id).await.unwrap(), MailOutcome::Sent);
    }
    let sent = post.sent();
    assert_eq!(sent.len(), 40);
    for mail in sent {
        let own = if mail.to.starts_with("acme") { "acme" } else { "globex" };
        let other = if own == "acme" { "globex" } else { "acme" };
        let (_, color, locale) = &expected[own];
        assert_eq!(mail.from_name, Some(format!("{own} & <co>")));
        assert!(mail.html.contains(color) && mail.html.contains(&format!("{own}.example.com")), "{}", mail.html);
        assert!(mail.html.contains(&format!("{own} &amp; &lt;co&gt;")) && !mail.html.contains("<co>"), "{}", mail.html);
        assert!(!mail.html.contains(other) && !mail.text.contains(other), "{}", mail.html);
        assert_eq!(mail.subject.starts_with("Willkommen"), *locale == Locale::De);
    }
}

/// NOT-02: values that are no brand are refused by the database itself.
#[tokio::test]
async fn a_brand_is_values_and_never_markup() {
    let post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    for brand in [
        Brand { name: Some(String::new()), ..Brand::default() },
        Brand { name: Some("a\nBcc: eve@example.com".to_owned()), ..Brand::default() },
        Brand { logo: Some("http://example.com/logo.png".parse().unwrap()), ..Brand::default() },
        Brand { logo: Some("javascript:alert(1)".parse().unwrap()), ..Brand::default() },
    ] {
        let mut tx = post.test.db.tenant(acme).begin().await.unwrap();
        brand_set_in(&mut tx, &brand).await.unwrap_err();
    }
}
