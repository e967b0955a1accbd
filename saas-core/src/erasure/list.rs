use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use object_store::{ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{DbError, Ledger, MasterKey, Purpose, SystemDb, TenantId, UserId, file::Storage};

const SIGNATURES: Purpose = Purpose::new("list of the erased");

/// What proves in the program's log that a person was erased. Whoever gives way to somebody who has shown that an address is theirs is deleted without
/// it: nobody asked for their end, and should they be back with an older state of the database, they may stay.
const PROOF: &str = "auth.account.erased";

/// Where the list lies. No tenant has this name.
const FOLDER: &str = "erased";

/// Who was erased for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Erased {
    /// A tenant. It stands first, since of one that is gone nobody needs to be an owner.
    Tenant(TenantId),
    /// A person.
    Person(UserId),
}

impl Erased {
    fn path(self) -> Path {
        Path::from_iter([FOLDER.to_owned(), self.kind().to_owned(), self.id().to_string()])
    }

    /// What lies at a path; nothing where somebody else put something, also if it is nearly the same.
    fn at(path: &Path) -> Option<Self> {
        let mut parts = path.parts().skip(1);
        let (kind, id) = (parts.next()?, parts.next()?.as_ref().parse::<Uuid>().ok()?);
        let erased = match kind.as_ref() {
            "tenant" => Self::Tenant(id.into()),
            "person" => Self::Person(id.into()),
            _ => return None,
        };
        (erased.path() == *path).then_some(erased)
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Tenant(_) => "tenant",
            Self::Person(_) => "person",
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::Tenant(id) => id.into(),
            Self::Person(id) => id.into(),
        }
    }
}

impl fmt::Display for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.id())
    }
}

/// One entry of the list, as it lies in the store.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    erased: Erased,
    /// When it was put down, which is soon after.
    at: DateTime<Utc>,
    signature: String,
}

impl Entry {
    fn new(keys: &MasterKey, erased: Erased, at: DateTime<Utc>) -> Self {
        Self { erased, at, signature: STANDARD.encode(keys.sign(SIGNATURES, &message(erased, at))) }
    }

    /// Whether it is ours, and about this one.
    fn is_of(&self, keys: &MasterKey, erased: Erased) -> bool {
        let signature = STANDARD.decode(&self.signature).unwrap_or_default();
        self.erased == erased && keys.signed(SIGNATURES, &message(self.erased, self.at), &signature)
    }
}

impl Entry {
    /// Whether it was signed with the first of the keys, which stays when the others are dropped.
    fn is_current(&self, keys: &MasterKey) -> bool {
        Self::new(keys, self.erased, self.at).signature == self.signature
    }
}

fn message(erased: Erased, at: DateTime<Utc>) -> Vec<u8> {
    format!("{erased} {}", at.timestamp_micros()).into_bytes()
}

/// How far somebody was erased again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasedAgain {
    /// Nothing is left but the id.
    Whole,
    /// Nothing personal is left, and the person stays by their id alone an owner: a tenant would have none.
    StaysOwner,
}

/// Erases those of a kind again, who came back with an older state of the database.
///
/// * It must answer only when they are gone, and leave the same proof as the first time.
/// * It must write to nobody: they were told.
/// * It must do so again without an error, for whoever asks may be killed and ask again.
#[async_trait]
pub trait EraseAgain: Send + Sync + 'static {
    /// Erases this one, or says that it is none of its kind.
    async fn erase_again(&self, db: &SystemDb, erased: Erased) -> Result<Option<ErasedAgain>, Box<dyn std::error::Error + Send + Sync>>;
}

/// The list of the erased cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErasuresError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The storage is away or refuses.
    #[error("the storage of the list of the erased does not do as it is told")]
    Storage(#[from] object_store::Error),
    /// An entry could not be written.
    #[error("an entry of the list of the erased cannot be written")]
    Entry(#[from] serde_json::Error),
}

impl From<sqlx::Error> for ErasuresError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What erasing again came to.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ErasedReport {
    /// People who are gone again.
    pub people: u64,
    /// Tenants that are gone again.
    pub tenants: u64,
    /// Of whom nothing personal is left, and who stay owners by their id: a tenant would have none.
    pub owners: Vec<Erased>,
    /// What stands in the list and is not of this program's making, so that it was not followed.
    pub foreign: Vec<Erased>,
    /// Who is still there, and why.
    pub failed: Vec<(Erased, String)>,
}

impl ErasedReport {
    /// Whether nobody who was erased is left.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.owners.is_empty() && self.foreign.is_empty() && self.failed.is_empty()
    }
}

/// The list of people and tenants that were erased, outside of the database (CMP-02): an older state of the database that is put back knows nothing of
/// their end, and its own proof of it is gone. Cheap to clone.
///
/// The list has ids and times and nothing else. Whoever erases [keeps](Self::keep) it up to date from what the database says is gone, so that nothing
/// stands in it that did not happen; and after a restore [everybody who is back](Self::returned) is [erased again](Self::erase_again).
///
/// # Security
///
/// Each entry is signed with a key derived from the master key: whoever can write to the store alone has nobody erased. They could hide that somebody
/// was: give it a bucket that lets nothing be changed or deleted, as for the ends of the audit chains.
#[derive(Clone)]
pub struct Erasures {
    storage: Storage,
    keys: MasterKey,
    erasers: Arc<RwLock<Vec<Arc<dyn EraseAgain>>>>,
}

impl fmt::Debug for Erasures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erasures").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl Erasures {
    /// Kept in this store.
    #[must_use]
    pub fn new(storage: Storage, keys: &MasterKey) -> Self {
        Self { storage, keys: keys.clone(), erasers: Arc::default() }
    }

    /// Has those of its kind erased again by this one.
    pub fn register(&self, eraser: impl EraseAgain) {
        self.erasers.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(eraser));
    }

    /// Puts everybody into the list who is erased in the database and does not stand there, and anew whose entry is not signed with the current key, so
    /// that an older key can be dropped afterwards. Says how many.
    ///
    /// A person is erased if the program's log has the proof: who merely gave way to another is deleted and not listed. It may be killed and begun
    /// again, and a list that was lost is made anew, as far as that log goes back.
    ///
    /// # Errors
    ///
    /// Fails if the database or the store does; who was put down until then stays so.
    pub async fn keep(&self, db: &SystemDb) -> Result<u64, ErasuresError> {
        let known = self.list().await?;
        let mut tx = db.begin().await?;
        let now = tx.now();
        let people = sqlx::query_scalar!(
            r#"select person.id as "id: UserId" from core.user person
            where person.state = 'deleted' and exists (
                select from data.audit_entry proof where proof.tenant_id = $1 and proof.action = $2 and proof.resource = person.id::text
            )"#,
            Ledger::Platform.id(),
            PROOF,
        )
        .fetch_all(&mut *tx)
        .await?;
        let tenants =
            sqlx::query_scalar!(r#"select id as "id: TenantId" from core.tenant where state = 'deleted'"#).fetch_all(&mut *tx).await?;
        tx.commit().await?;
        let erased = people.into_iter().map(Erased::Person).chain(tenants.into_iter().map(Erased::Tenant));
        let (listed, new): (Vec<_>, Vec<_>) = erased.partition(|erased| known.contains(erased));
        let mut kept = 0;
        // A store that lets nothing be replaced keeps nobody new out.
        for erased in new {
            self.put(&Entry::new(&self.keys, erased, now)).await?;
            kept += 1;
        }
        for erased in listed {
            let entry = self.entry(erased).await?;
            if entry.as_ref().is_some_and(|entry| entry.is_current(&self.keys)) {
                continue;
            }
            self.put(&Entry::new(&self.keys, erased, entry.map_or(now, |entry| entry.at))).await?;
            kept += 1;
        }
        Ok(kept)
    }

    async fn put(&self, entry: &Entry) -> Result<(), ErasuresError> {
        self.storage.store.put(&entry.erased.path(), serde_json::to_vec(entry)?.into()).await?;
        Ok(())
    }

    /// Who stands in the list and is there all the same: the database is older than their erasure.
    ///
    /// # Errors
    ///
    /// Fails if the database or the store does.
    pub async fn returned(&self, db: &SystemDb) -> Result<Vec<Erased>, ErasuresError> {
        self.left(db, false).await
    }

    /// Those, and on demand also tenants that are deleted and not gone to the end.
    async fn left(&self, db: &SystemDb, with_half_gone: bool) -> Result<Vec<Erased>, ErasuresError> {
        let (mut people, mut tenants) = (Vec::new(), Vec::new());
        for erased in self.list().await? {
            match erased {
                Erased::Person(id) => people.push(Uuid::from(id)),
                Erased::Tenant(id) => tenants.push(Uuid::from(id)),
            }
        }
        let mut tx = db.begin().await?;
        let tenants = sqlx::query_scalar!(
            r#"select id as "id: TenantId" from core.tenant
            where id = any ($1) and purged_at is null and (state <> 'deleted' or $2)
            order by id"#,
            &tenants,
            with_half_gone,
        )
        .fetch_all(&mut *tx)
        .await?;
        let people = sqlx::query_scalar!(
            r#"select id as "id: UserId" from core.user where id = any ($1) and state <> 'deleted' order by id"#,
            &people,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(tenants.into_iter().map(Erased::Tenant).chain(people.into_iter().map(Erased::Person)).collect())
    }

    /// Erases everybody again who [is back](Self::returned), tenants first. It may be killed at any moment and begun again, and one that cannot be
    /// erased keeps no other.
    ///
    /// # Errors
    ///
    /// Fails if the list cannot be read or the database is away; who was erased until then stays so.
    pub async fn erase_again(&self, db: &SystemDb) -> Result<ErasedReport, ErasuresError> {
        let mut report = ErasedReport::default();
        for erased in self.left(db, true).await? {
            match self.entry(erased).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    report.foreign.push(erased);
                    continue;
                }
                Err(error) => {
                    tracing::error!(%erased, error = &error as &dyn std::error::Error, "an entry of the list of the erased could not be read");
                    report.failed.push((erased, error.to_string()));
                    continue;
                }
            }
            match self.erase_one(db, erased).await {
                Ok(Some(ErasedAgain::Whole)) => match erased {
                    Erased::Person(_) => report.people += 1,
                    Erased::Tenant(_) => report.tenants += 1,
                },
                Ok(Some(ErasedAgain::StaysOwner)) => report.owners.push(erased),
                Ok(None) => report.failed.push((erased, "this product erases nobody of this kind".to_owned())),
                Err(error) => {
                    tracing::error!(%erased, error = &*error as &dyn std::error::Error, "could not be erased again");
                    report.failed.push((erased, error.to_string()));
                }
            }
        }
        Ok(report)
    }

    async fn erase_one(&self, db: &SystemDb, erased: Erased) -> Result<Option<ErasedAgain>, Box<dyn std::error::Error + Send + Sync>> {
        let erasers = self.erasers.read().unwrap_or_else(PoisonError::into_inner).clone();
        for eraser in erasers {
            if let Some(done) = eraser.erase_again(db, erased).await? {
                return Ok(Some(done));
            }
        }
        Ok(None)
    }

    async fn list(&self) -> Result<BTreeSet<Erased>, ErasuresError> {
        let files = self.storage.store.list(Some(&Path::from(FOLDER)));
        Ok(files.try_filter_map(async |file| Ok(Erased::at(&file.location))).try_collect().await?)
    }

    /// The entry of this one, if it is there and ours.
    async fn entry(&self, erased: Erased) -> Result<Option<Entry>, object_store::Error> {
        let found = async { self.storage.store.get(&erased.path()).await?.bytes().await };
        match found.await {
            Ok(bytes) => Ok(serde_json::from_slice::<Entry>(&bytes).ok().filter(|entry| entry.is_of(&self.keys, erased))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_ours_only_as_it_was_written_and_where() {
        let keys = MasterKey::generate();
        let (one, other) = (Erased::Person(UserId::new()), Erased::Person(UserId::new()));
        let text = serde_json::to_string(&Entry::new(&keys, one, DateTime::UNIX_EPOCH)).unwrap();
        let read = |text: &str| serde_json::from_str::<Entry>(text).unwrap();
        assert!(read(&text).is_of(&keys, one));
        assert!(!read(&text).is_of(&keys, other), "laid under another's name");
        assert!(!read(&text).is_of(&MasterKey::generate(), one));
        let changed = text.replace(&one.id().to_string(), &other.id().to_string());
        assert!(!read(&changed).is_of(&keys, other));
        assert!(!read(&text.replace("person", "tenant")).is_of(&keys, Erased::Tenant(one.id().into())));
    }

    #[test]
    fn after_a_rotation_an_entry_is_ours_and_not_current() {
        let (old, one) = (MasterKey::generate(), Erased::Person(UserId::new()));
        let both: MasterKey = format!("{},{}", *MasterKey::generate().text(), *old.text()).parse().unwrap();
        let entry = Entry::new(&old, one, DateTime::UNIX_EPOCH);
        assert!(entry.is_of(&both, one) && entry.is_current(&old) && !entry.is_current(&both));
        assert!(Entry::new(&both, one, entry.at).is_current(&both));
    }

    #[test]
    fn what_lies_at_a_path_is_found_by_it() {
        for erased in [Erased::Person(UserId::new()), Erased::Tenant(TenantId::new())] {
            assert_eq!(Erased::at(&erased.path()), Some(erased));
        }
        const ID: &str = "01890000-0000-7000-8000-0000000000ab";
        assert!(Erased::at(&Path::from(format!("erased/person/{ID}"))).is_some());
        let near = [
            format!("erased/person/{ID}/x"),
            format!("erased/person/{}", ID.to_uppercase()),
            format!("erased/person/{}", ID.replace('-', "")),
        ];
        for other in
            near.iter().map(String::as_str).chain(["erased/person/me", "erased/agent/01890000-0000-7000-8000-000000000000", "erased"])
        {
            assert_eq!(Erased::at(&Path::from(other)), None, "{other}");
        }
    }
}
