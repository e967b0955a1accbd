use std::{fmt, sync::Arc};

use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use super::{Brand, Letter, Link, Mail, MailId, MessageId, brand::brand, letter};
use crate::{
    DbError, MasterKey, Preferences, Purpose, SystemTx, TenantId, TenantTx, UserId,
    job::JobId,
    pages::{Locale, PageError, Pages},
};

/// What letters are sealed with while they wait.
pub(super) const LETTERS: Purpose = Purpose::new("mail letters");
/// What addresses are hashed with where they are kept.
pub(super) const ADDRESSES: Purpose = Purpose::new("mail addresses");

/// What makes a letter's `Message-ID` something that nobody knows who has only the letter's id.
const IDS: Purpose = Purpose::new("mail ids");

/// Writes letters into the outbox. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    pages: Pages,
    keys: MasterKey,
    public_url: Url,
}

/// Whom a letter goes to and why.
///
/// The letter's kind, its reader, what it is about and its cause make it one: writing it a second time writes nothing. So the cause of a receipt
/// is the payment, and that of a link that was asked for again is the new link.
#[derive(Debug, Clone)]
pub struct Envelope {
    address: String,
    name: Option<String>,
    reader: Option<UserId>,
    locale: Option<Locale>,
    about: String,
    cause: String,
    unsubscribe: Option<Link>,
}

impl Envelope {
    /// To this address, about this and for this cause; both are ids or fixed words of up to 200 characters, never a secret.
    pub fn new(address: impl Into<String>, about: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self {
            address: address.into(),
            name: None,
            reader: None,
            locale: None,
            about: about.to_string(),
            cause: cause.to_string(),
            unsubscribe: None,
        }
    }

    /// What the reader is called.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Who reads it: in the language and by the clock that they chose.
    #[must_use]
    pub fn reader(mut self, person: UserId) -> Self {
        self.reader = Some(person);
        self
    }

    /// The language for a reader who chose none; otherwise the tenant's, or English.
    #[must_use]
    pub fn in_language(mut self, locale: Locale) -> Self {
        self.locale = Some(locale);
        self
    }

    /// Where a mail program can unsubscribe its reader with one `POST` and no questions (RFC 8058). For what is not mandatory.
    #[must_use]
    pub fn unsubscribe(mut self, at: Link) -> Self {
        self.unsubscribe = Some(at);
        self
    }
}

/// A letter could not be written into the outbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailInError {
    /// The letter does not fit its templates.
    #[error("the letter could not be rendered")]
    Page(#[from] PageError),
    /// The letter cannot be written down.
    #[error("the letter could not be written down")]
    Encode(#[from] serde_json::Error),
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for MailInError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<MailInError> for crate::Problem {
    fn from(error: MailInError) -> Self {
        match error {
            MailInError::Db(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

/// A letter that is ready to be written down.
struct Sealed {
    id: MailId,
    template: &'static str,
    about: String,
    cause: String,
    message_id: String,
    to_hash: [u8; 32],
    content: Vec<u8>,
}

impl Outbox {
    /// With the program's templates and key. All links begin with `public_url`.
    #[must_use]
    pub fn new(pages: Pages, keys: MasterKey, public_url: Url) -> Self {
        Self { inner: Arc::new(Inner { pages, keys, public_url }) }
    }

    /// The address of a path of the product.
    #[must_use]
    pub fn link(&self, path: &str) -> Link {
        Link::new(&self.inner.public_url, path)
    }

    /// The same in an organization, if one is known, whichever the reader works in by then.
    #[must_use]
    pub fn link_in(&self, tenant: impl Into<Option<TenantId>>, path: &str) -> Link {
        let link = self.link(path);
        tenant.into().map_or(link.clone(), |tenant| link.with("organization", &tenant.to_string()))
    }

    /// The language of letters to a tenant's people whose own is not known.
    pub(crate) async fn language_in(&self, tx: &mut SystemTx, tenant: TenantId) -> Result<Locale, DbError> {
        Ok(brand(tx, tenant).await?.locale.unwrap_or_default())
    }

    /// A text whose values are the texts and numbers of a JSON object.
    pub(crate) fn sentence(&self, locale: Locale, key: &str, values: &serde_json::Value) -> String {
        self.inner.pages.texts(locale).sentence(key, values)
    }

    /// Writes a letter with the tenant's brand, or the product's in a transaction without a tenant. It is sent soon after the commit.
    /// `None` if the same letter was written before.
    ///
    /// # Errors
    ///
    /// Fails if the letter does not fit its templates or the row cannot be written.
    pub async fn mail_in<L: Letter>(&self, tx: &mut TenantTx, envelope: &Envelope, letter: &L) -> Result<Option<MailId>, MailInError> {
        let now = tx.now();
        let sealed = self.seal(tx.tenant(), tx, envelope, letter).await?;
        let is_new = sqlx::query_scalar!(
            r#"select core.mail_add($1, $2, $3, $4, $5, $6, $7, $8, $9) as "is_new!""#,
            Uuid::from(sealed.id),
            sealed.template,
            sealed.about,
            sealed.cause,
            sealed.message_id,
            sealed.to_hash.as_slice(),
            sealed.content,
            Uuid::from(JobId::new()),
            now,
        )
        .fetch_one(&mut **tx)
        .await?;
        Ok(is_new.then_some(sealed.id))
    }

    /// The same from the system's side, with the brand of a tenant or the product's. It takes its turn among the system's mail and not among
    /// the tenant's jobs, so it reaches a tenant that is suspended too.
    ///
    /// # Errors
    ///
    /// As [`mail_in`](Self::mail_in).
    pub async fn mail_system_in<L: Letter>(
        &self,
        tx: &mut SystemTx,
        tenant: Option<TenantId>,
        envelope: &Envelope,
        letter: &L,
    ) -> Result<Option<MailId>, MailInError> {
        let now = tx.now();
        let sealed = self.seal(tenant, tx, envelope, letter).await?;
        let is_new = sqlx::query_scalar!(
            r#"select core.mail_put($1, $2, null, $3, $4, $5, $6, $7, $8, $9, $10) as "is_new!""#,
            Uuid::from(sealed.id),
            tenant.map(Uuid::from) as Option<Uuid>,
            sealed.template,
            sealed.about,
            sealed.cause,
            sealed.message_id,
            sealed.to_hash.as_slice(),
            sealed.content,
            Uuid::from(JobId::new()),
            now,
        )
        .fetch_one(&mut **tx)
        .await?;
        Ok(is_new.then_some(sealed.id))
    }

    /// Forgets all letters to an address: those that were sent, and those that were not, which are sent no more.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn forget_in(&self, tx: &mut SystemTx, address: &str) -> Result<u64, DbError> {
        let key = address_key(address);
        let hashes: Vec<_> = self.inner.keys.signatures(ADDRESSES, key.as_bytes()).map(|hash| hash.to_vec()).collect();
        Ok(sqlx::query!("delete from core.mail where to_hash = any ($1)", &hashes).execute(&mut **tx).await?.rows_affected())
    }

    async fn seal<L: Letter>(
        &self,
        tenant: Option<TenantId>,
        connection: &mut PgConnection,
        envelope: &Envelope,
        letter: &L,
    ) -> Result<Sealed, MailInError> {
        let Inner { pages, keys, public_url } = &*self.inner;
        let brand = match tenant {
            Some(tenant) => brand(connection, tenant).await?,
            None => Brand::default(),
        };
        let chosen = match envelope.reader {
            Some(person) => preferences(connection, person).await?,
            None => Preferences::default(),
        };
        let locale = chosen.locale.or(envelope.locale).or(brand.locale).unwrap_or_default();
        let rendered = letter::render(pages, locale, chosen.time_zone, &brand, letter)?;
        let id = MailId::new();
        let mail = Mail {
            message_id: MessageId::marked(id.into(), &keys.sign(IDS, Uuid::from(id).as_bytes()), public_url.host_str().unwrap_or_default()),
            from_name: brand.name,
            to: envelope.address.clone(),
            to_name: envelope.name.clone(),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            unsubscribe: envelope.unsubscribe.clone().map(Link::into_url),
        };
        Ok(Sealed {
            id,
            template: L::TEMPLATE,
            about: envelope.about.clone(),
            cause: envelope.cause.clone(),
            message_id: mail.message_id.to_string(),
            to_hash: keys.sign(ADDRESSES, address_key(&mail.to).as_bytes()),
            content: keys.seal(LETTERS, &place(id), &serde_json::to_vec(&mail)?),
        })
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("public_url", &self.inner.public_url.as_str()).finish_non_exhaustive()
    }
}

/// Of a person, what a letter needs to know; of one who is not there any more, nothing.
async fn preferences(connection: &mut PgConnection, person: UserId) -> Result<Preferences, DbError> {
    let row = sqlx::query!("select locale, time_zone from core.reader($1)", Uuid::from(person)).fetch_optional(connection).await?;
    Ok(row.map_or_else(Preferences::default, |row| Preferences::stored(row.locale.as_deref(), row.time_zone.as_deref(), None)))
}

/// The row that a letter is sealed for: moved to another, it does not open.
pub(super) fn place(id: MailId) -> Vec<u8> {
    format!("core.mail/{id}/sealed").into_bytes()
}

/// One mailbox, however its address is written.
pub(super) fn address_key(address: &str) -> String {
    address.trim().to_lowercase()
}
