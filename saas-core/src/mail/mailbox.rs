use std::{io, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{extract::State, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Accepted, Mail, MailError, Mailer, preview};
use crate::{ClientAddress, Clock, Db, DbError, Html, Page, Path, Problem, Routes};

/// How long the list waits for letters that are on their way to it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Keeps mail in a folder instead of sending it, and shows it at `/dev/mail`. For development.
#[derive(Debug, Clone)]
pub struct DevMailbox {
    folder: Arc<PathBuf>,
    clock: Clock,
}

crate::ids! {
    /// A message that was kept.
    pub KeptMailId;
}

/// A message that was kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptMail {
    /// Its id; sorts by time.
    pub id: KeptMailId,
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// The message.
    #[serde(flatten)]
    pub mail: Mail,
}

impl DevMailbox {
    /// Keeps mail in `folder`, which is made if need be.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be made.
    pub fn new(folder: impl Into<PathBuf>, clock: Clock) -> io::Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder: Arc::new(folder), clock })
    }

    /// All messages, the newest first.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be read.
    pub async fn list(&self) -> io::Result<Vec<KeptMail>> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || {
            let mut kept = Vec::new();
            for entry in std::fs::read_dir(&*folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "json") {
                    kept.push(serde_json::from_slice::<KeptMail>(&std::fs::read(path)?)?);
                }
            }
            kept.sort_by_key(|mail| std::cmp::Reverse(mail.id));
            Ok(kept)
        })
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// `GET /dev/mail`, `GET /dev/mail/{id}` and `GET /dev/mail/preview`, for browsers on this machine alone.
    pub fn routes(&self) -> Routes {
        Routes::new()
            .get("/dev/mail", list)
            .get("/dev/mail/{id}", show)
            .get("/dev/mail/{id}/letter", formatted)
            .merge(preview::routes())
            .with_state(self.clone())
    }
}

#[async_trait]
impl Mailer for DevMailbox {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        mail.check()?;
        let kept = KeptMail { id: KeptMailId::new(), at: self.clock.now(), mail: mail.clone() };
        let text = serde_json::to_vec_pretty(&kept).map_err(|error| MailError::Message(error.into()))?;
        let (part, whole) = (self.folder.join(format!("{}.part", kept.id)), self.folder.join(format!("{}.json", kept.id)));
        let written = async {
            tokio::fs::write(&part, text).await?;
            tokio::fs::rename(&part, whole).await
        };
        written.await.map_err(|error| MailError::Transport(error.into()))?;
        Ok(Accepted { answer: format!("kept as {}", kept.id) })
    }
}

/// Everybody's mail is for whoever sits at this machine alone.
pub(super) fn only_here(ClientAddress(client): ClientAddress) -> Result<(), Problem> {
    if client.is_loopback() { Ok(()) } else { Err(Problem::not_found()) }
}

async fn list(State(mailbox): State<DevMailbox>, client: ClientAddress, page: Page) -> Result<Html, Problem> {
    only_here(client)?;
    let wait = async {
        while on_their_way(&page.web().db).await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<_, DbError>(())
    };
    // Whoever has just asked for a letter comes here to read it.
    if let Ok(failed @ Err(_)) = tokio::time::timeout(PATIENCE, wait).await {
        failed?;
    }
    let mails = mailbox.list().await.map_err(Problem::internal)?;
    page.render("core/dev_mail.html", json!({ "mails": mails }))
}

/// Whether a letter was written and nobody has tried yet to send it.
async fn on_their_way(db: &Db) -> Result<bool, DbError> {
    let mut tx = db.system("look at the mailbox of development").begin().await?;
    let fresh = sqlx::query_scalar!(
        r#"select exists (select from core.mail where state in ('queued', 'sending') and attempts < 2 and queued_at > $1) as "fresh!""#,
        db.clock().now() - TimeDelta::seconds(10),
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(fresh)
}

async fn show(State(mailbox): State<DevMailbox>, client: ClientAddress, Path(id): Path<KeptMailId>, page: Page) -> Result<Html, Problem> {
    only_here(client)?;
    page.render("core/dev_mail_message.html", json!({ "mail": find(&mailbox, id).await? }))
}

async fn formatted(State(mailbox): State<DevMailbox>, client: ClientAddress, Path(id): Path<KeptMailId>) -> Result<Response, Problem> {
    only_here(client)?;
    Ok(preview::letter(find(&mailbox, id).await?.mail.html))
}

async fn find(mailbox: &DevMailbox, id: KeptMailId) -> Result<KeptMail, Problem> {
    let mails = mailbox.list().await.map_err(Problem::internal)?;
    mails.into_iter().find(|mail| mail.id == id).ok_or_else(Problem::not_found)
}
