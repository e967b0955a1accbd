//! What a person agreed to (CMP-04), as rows that are only added.

use std::{collections::BTreeMap, net::IpAddr};

use chrono::{DateTime, Utc};
use saas_core::{DbError, Ledger, Origin, Problem, ProblemType, SignedIn, SystemTx, UserId, system_event_in};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ConsentGiven, ConsentWithdrawn};
use crate::{Auth, Document, refused::Refusal};

/// A document, and whether somebody agreed to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Consent {
    /// Its name.
    pub(crate) document: &'static str,
    /// Its version today.
    pub(crate) version: &'static str,
    /// Whether everybody who has an account agrees to it.
    pub(crate) required: bool,
    /// Whether they agreed to this version.
    pub(crate) holds: bool,
    /// What they said last of it, of whatever version.
    pub(crate) last: Option<Said>,
}

/// What somebody said of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Said {
    /// Whether they agreed, or took it back.
    pub(crate) given: bool,
    /// To which version.
    pub(crate) version: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// Nothing was written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// There is no such document.
    #[error("there is no such document")]
    NotFound,
    /// The document has another version by now.
    #[error("the document has another version by now")]
    Outdated,
    /// Whoever has an account agrees to it.
    #[error("whoever has an account agrees to this document")]
    Required,
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ConsentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<ConsentError> for Problem {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::NotFound => Self::not_found(),
            ConsentError::Outdated => Self::new(&ProblemType::CONFLICT).detail("The document has another version by now: read it again."),
            ConsentError::Required => {
                Self::new(&ProblemType::CONFLICT).detail("Whoever has an account agrees to this document. Delete the account instead.")
            }
            ConsentError::Db(error) => error.into(),
        }
    }
}

/// The versions that somebody agreed to, by document.
pub(crate) type Agreed = BTreeMap<String, String>;

impl Document {
    /// Whether it has to be agreed to still.
    pub(crate) fn is_missing(&self, agreed: &Agreed) -> bool {
        self.is_required && agreed.get(self.name).is_none_or(|version| version != self.version)
    }
}

/// The documents that somebody ticks at sign-up, all that are required among them.
pub(super) fn consents_check(auth: &Auth, ticked: &[String]) -> Result<Vec<Document>, Refusal> {
    let documents = auth.documents();
    if ticked.iter().any(|tag| documents.iter().all(|document| document.tag() != *tag)) {
        return Err(Refusal::Choice);
    }
    let (ticked, others): (Vec<Document>, Vec<Document>) = documents.iter().copied().partition(|document| ticked.contains(&document.tag()));
    if others.iter().any(|document| document.is_required) { Err(Refusal::Consent) } else { Ok(ticked) }
}

/// Writes down that somebody agreed to these documents or took that back, where the transaction says that the request comes from.
pub(super) async fn consent_insert_in(tx: &mut SystemTx, user: UserId, documents: &[Document], given: bool) -> Result<(), DbError> {
    let (now, origin) = (tx.now(), tx.origin().clone());
    let (names, versions): (Vec<String>, Vec<String>) =
        documents.iter().map(|document| (document.name.to_owned(), document.version.to_owned())).unzip();
    sqlx::query!(
        "insert into auth.consent (user_id, document, version, given, at, address, user_agent)
        select $1, said.document, said.version, $4, $5, $6, $7 from unnest($2::text[], $3::text[]) said (document, version)",
        Uuid::from(user),
        &names,
        &versions,
        given,
        now,
        origin.address as Option<IpAddr>,
        origin.user_agent.as_deref(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes back all that was agreed to in somebody's name, for it may have been another who did.
pub(super) async fn consents_void_in(tx: &mut SystemTx, user: UserId) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "insert into auth.consent (user_id, document, version, given, at)
        select $1, latest.document, latest.version, false, $2
        from (select distinct on (document) document, version, given from auth.consent where user_id = $1 order by document, number desc) latest
        where latest.given",
        Uuid::from(user),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Each document, and what somebody said of it.
pub(crate) async fn consent_list(auth: &Auth, me: &SignedIn) -> Result<Vec<Consent>, DbError> {
    let mut tx = auth.db().system("what a person agreed to").begin().await?;
    let rows = sqlx::query!(
        "select distinct on (document) document, version, given, at from auth.consent where user_id = $1 order by document, number desc",
        Uuid::from(me.user),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut said: BTreeMap<_, _> =
        rows.into_iter().map(|row| (row.document, Said { given: row.given, version: row.version, at: row.at })).collect();
    let consents = auth.documents().iter().map(|document| {
        let last = said.remove(document.name);
        let holds = last.as_ref().is_some_and(|last| last.given && last.version == document.version);
        Consent { document: document.name, version: document.version, required: document.is_required, holds, last }
    });
    Ok(consents.collect())
}

/// Writes down what somebody who is signed in says of a document in the version that they have seen. To say the same again changes nothing.
pub(crate) async fn consent_set(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    name: &str,
    version: &str,
    given: bool,
) -> Result<(), ConsentError> {
    let document = auth.documents().iter().find(|document| document.name == name).ok_or(ConsentError::NotFound)?;
    if document.version != version {
        return Err(ConsentError::Outdated);
    }
    if document.is_required && !given {
        return Err(ConsentError::Required);
    }
    Ok(consents_say(auth, origin, me, &[*document], given).await?)
}

/// Writes down that somebody who is signed in agrees to these documents, in the versions that they have seen.
pub(crate) async fn consents_give(auth: &Auth, origin: Origin, me: &SignedIn, tags: &[String]) -> Result<(), DbError> {
    let documents: Vec<Document> = auth.documents().iter().filter(|document| tags.contains(&document.tag())).copied().collect();
    consents_say(auth, origin, me, &documents, true).await
}

async fn consents_say(auth: &Auth, origin: Origin, me: &SignedIn, documents: &[Document], given: bool) -> Result<(), DbError> {
    let mut tx = auth.db().system("what a person agrees to").caused_by(origin).begin().await?;
    // Of two who say it at once, the second finds what the first has said.
    sqlx::query!("select user_id from auth.account where user_id = $1 for no key update", Uuid::from(me.user)).fetch_one(&mut *tx).await?;
    let agreed = sqlx::query!(
        "select document, version from (
            select distinct on (document) document, version, given from auth.consent where user_id = $1 order by document, number desc
        ) latest
        where given",
        Uuid::from(me.user),
    )
    .fetch_all(&mut *tx)
    .await?;
    let agreed: Agreed = agreed.into_iter().map(|row| (row.document, row.version)).collect();
    let is_new = |document: &&Document| match agreed.get(document.name) {
        Some(version) => !given || version != document.version,
        None => given,
    };
    let documents: Vec<Document> = documents.iter().filter(is_new).copied().collect();
    consent_insert_in(&mut tx, me.user, &documents, given).await?;
    for Document { name, version, .. } in documents {
        if given {
            let event = ConsentGiven { document: name, version };
            system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &event).await?;
        } else {
            let event = ConsentWithdrawn { document: name, version };
            system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &event).await?;
        }
    }
    tx.commit().await
}
