//! What the stand-in knows from one run to the next, in a file: a database that was kept would otherwise know customers that nobody else does.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    books::{Books, Kept},
    card::Card,
    checkout::Order,
    shape,
};

/// The file, and what is written in it.
pub(super) struct Memory(tokio::sync::Mutex<(PathBuf, String)>);

/// Events that were told are over, and who hears of the next ones is said anew.
const FORGOTTEN: &[&str] = &["billing_portal.session", "event", "webhook_endpoint"];

#[derive(Default, Serialize, Deserialize)]
struct Remembered {
    objects: BTreeMap<String, Vec<Value>>,
    cards: BTreeMap<String, Card>,
    orders: BTreeMap<String, Order>,
    kept: BTreeMap<String, Kept>,
    /// By how many seconds the clock was moved.
    #[serde(default)]
    ahead: i64,
    /// Where it listened: what a product keeps of addresses is good the next time too.
    #[serde(default)]
    port: u16,
}

impl Memory {
    /// Puts into the books what was written in the file, and says at which port that was.
    pub(super) fn open(file: &Path, books: &mut Books) -> io::Result<(Self, u16)> {
        let mut port = 0;
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        match serde_json::from_str::<Remembered>(&text) {
            Ok(read) => {
                let kinds = shape::kinds();
                books.objects = kinds.filter_map(|kind| Some((kind, read.objects.get(kind)?.clone()))).collect();
                (books.cards, books.orders, books.kept) = (read.cards, read.orders, read.kept);
                if books.is_movable() {
                    books.advance(TimeDelta::seconds(read.ahead));
                }
                port = read.port;
            }
            Err(_) if text.is_empty() => {}
            Err(error) => {
                let aside = file.with_extension("unreadable");
                tracing::warn!(error = &error as &dyn std::error::Error, file = %aside.display(), "what the stand-in for Stripe knew is put aside");
                fs::rename(file, aside)?;
            }
        }
        Ok((Self(tokio::sync::Mutex::new((file.to_owned(), text))), port))
    }

    /// Writes down what is known now, if it is something else than before.
    pub(super) async fn write(&self, books: &Mutex<Books>) {
        // One after the other, so that what is written last is what was so last.
        let mut written = self.0.lock().await;
        let text = {
            let books = books.lock().unwrap_or_else(PoisonError::into_inner);
            let objects = books.objects.iter().filter(|(kind, _)| !FORGOTTEN.contains(kind));
            let known = Remembered {
                objects: objects.map(|(kind, objects)| ((*kind).to_owned(), objects.clone())).collect(),
                cards: books.cards.clone(),
                orders: books.orders.clone(),
                kept: books.kept.clone(),
                ahead: books.ahead().num_seconds(),
                port: books.port(),
            };
            serde_json::to_string(&known)
        };
        let result = match text {
            Ok(text) if text == written.1 => return,
            Ok(text) => put(&written.0, &text).await.map(|()| written.1 = text),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = result {
            tracing::error!(error = &error as &dyn std::error::Error, "what the stand-in for Stripe knows could not be written down");
        }
    }
}

/// All of it or nothing.
async fn put(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let part = file.with_extension(format!("{}.part", std::process::id()));
    tokio::fs::write(&part, text).await?;
    tokio::fs::rename(part, file).await
}
