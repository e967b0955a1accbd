use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{NoticeKind, Notifications};
use crate::{Actor, Consumer, ConsumerError, RecordedEvent, SystemTx, TenantId};

/// One message at once for each kind and what it is about in this time.
const QUIET_SECONDS: i64 = 600;

/// An event that somebody is to be told of.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct News<'a> {
    /// What happened.
    pub event: &'a RecordedEvent,
    /// Where.
    pub tenant: TenantId,
    /// How it is told.
    pub kind: &'a NoticeKind,
    /// What it takes to hear of it.
    pub permission: &'static str,
    /// The built-in roles that hold that, at least one; besides them, those of the tenant's own that do (`core.role`).
    pub roles: Vec<&'static str>,
}

impl News<'_> {
    /// Of what only one message at once is written in a while, and of which while.
    pub(crate) fn cause(&self) -> String {
        let window = self.event.at.timestamp().div_euclid(QUIET_SECONDS);
        let cause = format!("{}/{window}", self.kind.quiet(&self.event.subject, &self.event.data));
        // Too long to be a cause as it is: then each event is its own.
        if cause.chars().count() <= 200 { cause } else { self.event.id.to_string() }
    }

    /// The person who made it happen, and need not be told.
    pub(crate) fn person(&self) -> Option<Uuid> {
        match self.event.actor {
            Actor::User(id) => Some(id.into()),
            _ => None,
        }
    }
}

/// A way in which people are told: the list, mail, browsers, a chat.
///
/// * It must write down what it tells through the transaction that it is given, and speak to nobody: who is told is decided once, and what
///   takes long is done later, from those rows.
/// * It must not commit, roll back or leave settings on the transaction.
/// * It must make nothing new of news that come again, in a later transaction too.
/// * It must tell nobody outside of the news' tenant, and no person without one of the news' roles, or one of the tenant's own that has its permission.
/// * It must fail rather than drop news that it cannot take: it gets them again later, alone.
///
/// `testing::channel_conforms` demands all of it (feature `testing`).
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    /// Its name, for ever: what it has taken is kept under it.
    fn name(&self) -> &'static str;

    /// What it tells of beside what the product does: letters of its own that are in no list and that nobody prefers otherwise. Of their events it is
    /// handed these news too.
    fn own_kinds(&self) -> &'static [NoticeKind] {
        &[]
    }

    /// Writes down what is told to whom. News of any number of tenants, at least one.
    ///
    /// # Errors
    ///
    /// If it fails, all that it wrote is undone, and it gets the news again one by one.
    async fn tell_in(&self, tx: &mut SystemTx, news: &[News<'_>]) -> Result<(), ConsumerError>;
}

/// Hands what is worth telling to a channel.
pub(super) struct Telling {
    pub(super) notifications: Notifications,
    pub(super) channel: Arc<dyn Channel>,
}

#[async_trait]
impl Consumer for Telling {
    fn name(&self) -> &'static str {
        self.channel.name()
    }

    async fn take(&self, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
        let own = self.channel.own_kinds();
        let news: Vec<_> = events.iter().flat_map(|event| self.notifications.news(event, own)).collect();
        if news.is_empty() { Ok(()) } else { self.channel.tell_in(tx, &news).await }
    }
}
