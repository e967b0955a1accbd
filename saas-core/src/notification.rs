//! What people are told: a list inside the product with its count of unread ones, mail at once or once a day, as each of them prefers
//! (NOT-03, NOT-04).
//!
//! A product says which events are worth telling somebody ([`NoticeKind`]). Each [`Channel`] makes its own of them: the list, mail and
//! [browsers](crate::Push) tell every member who holds the event's permission, except whoever made it happen;
//! [`Chat`](crate::chat::Chat) tells the organization's chat.
//!
//! ```no_run
//! use saas_core::notification::{NoticeGroup, NoticeKind, Notifications};
//! # use saas_core::{Db, EventCatalogue, Jobs, MasterKey, Relay, mail::Outbox};
//! # fn compose(db: &Db, relay: &Relay, jobs: &Jobs, keys: &MasterKey, outbox: &Outbox, catalogue: EventCatalogue) {
//! const KINDS: &[NoticeKind] = &[NoticeKind::new("monitoring.agent.went_offline", "monitoring-notice-offline", "/agents/{subject}")];
//! let notifications = Notifications::new(KINDS, catalogue, outbox, keys, |permission| match permission {
//!     "monitoring.device.read" => vec!["owner", "admin", "member", "viewer"],
//!     _ => vec!["owner", "admin"],
//! });
//! notifications.register(relay);
//! notifications.digest_daily(jobs);
//! let routes: saas_core::Routes = notifications.routes(); // below the tenancy layer
//! let public: saas_core::Routes = notifications.unsubscribe_routes(db); // outside of it
//! # }
//! ```
//!
//! # What holds
//!
//! * A person is told of an event at most once in each channel, wherever a node is killed: the rows are written in the relay's transaction.
//! * A channel that fails holds up no other.
//! * A mandatory kind cannot be switched off. Whoever switches another one off, or has it sent in another way, is in the log with how it was.
//! * Mail at once is one for each kind and what it is about, the subject or [closer](NoticeKind::about), in each ten minutes of the clock, and so is a
//!   message to a browser: what flaps fills the list and not the mailbox.
//! * A mail that is not mandatory carries a link that ends mail of its kind, or the daily one, with one `POST` and no sign-in (RFC 8058).

mod channel;
mod digest;
mod event;
mod kind;
mod letter;
mod list;
mod mail;
mod notice;
mod preference;
mod unsubscribe;
mod web;

pub use channel::{Channel, News};
pub(crate) use event::EVENTS;
pub use event::NotificationPreferenceChanged;
pub use kind::{Frequency, NoticeGroup, NoticeKind};
pub use letter::NoticeLetter;
pub use list::ListChannel;
pub use mail::{MailChannel, Recipient, recipients_in};
pub use notice::{Notice, notices_read_in, unread_in};
pub use preference::{PersonalChannel, Preference, PreferenceError};

use std::{fmt, sync::Arc};

use crate::{Consumer, EventCatalogue, MasterKey, Push, PushChannel, RecordedEvent, Relay, mail::Outbox};

/// The notifications of all people. Cheap to clone.
#[derive(Clone)]
pub struct Notifications(Arc<Inner>);

/// The roles that hold a permission.
type Holders = dyn Fn(&str) -> Vec<&'static str> + Send + Sync;

#[derive(Clone)]
struct Inner {
    kinds: Vec<NoticeKind>,
    catalogue: EventCatalogue,
    outbox: Outbox,
    keys: MasterKey,
    holders: Arc<Holders>,
    push: Option<Push>,
}

/// What core itself tells of.
const OWN: &[NoticeKind] = &[
    NoticeKind::new("chat.channel.failed", "core-notice-chat-failed", "/channels/{subject}").mail(Frequency::Now),
    NoticeKind::new("webhook.endpoint.disabled", "core-notice-webhook-disabled", "/webhooks/{subject}").mail(Frequency::Now),
];

impl Notifications {
    /// Tells of `kinds`, and of what core itself has to say. `holders` names the roles that hold a permission.
    #[must_use]
    pub fn new(
        kinds: &[NoticeKind],
        catalogue: EventCatalogue,
        outbox: &Outbox,
        keys: &MasterKey,
        holders: impl Fn(&str) -> Vec<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let kinds = OWN.iter().chain(kinds).copied().collect();
        Self(Arc::new(Inner { kinds, catalogue, outbox: outbox.clone(), keys: keys.clone(), holders: Arc::new(holders), push: None }))
    }

    /// The same, and each person may also be told in the browsers that they allow.
    #[must_use]
    pub fn in_browsers(self, push: &Push) -> Self {
        Self(Arc::new(Inner { push: Some(push.clone()), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// All that people are told of.
    #[must_use]
    pub fn kinds(&self) -> &[NoticeKind] {
        &self.0.kinds
    }

    /// Tells people in the list, by mail and, if they may be, in browsers, from now on.
    pub fn register(&self, relay: &Relay) {
        relay.register(self.through(self.list()));
        relay.register(self.through(self.mail()));
        if let Some(browsers) = self.browsers() {
            relay.register(self.through(browsers));
        }
    }

    /// What tells through a channel, for the relay. Each channel is a consumer of its own, so none is held up by another.
    pub fn through(&self, channel: impl Channel) -> impl Consumer {
        channel::Telling { notifications: self.clone(), channel: Arc::new(channel) }
    }

    /// The list inside the product.
    #[must_use]
    pub fn list(&self) -> ListChannel {
        ListChannel
    }

    /// Mail at once.
    #[must_use]
    pub fn mail(&self) -> MailChannel {
        MailChannel { notifications: self.clone() }
    }

    /// Browsers at once, if people may be told in them.
    #[must_use]
    pub fn browsers(&self) -> Option<PushChannel> {
        self.push().map(|_| PushChannel { notifications: self.clone() })
    }

    fn push(&self) -> Option<&Push> {
        self.0.push.as_ref()
    }

    pub(crate) fn kind(&self, event: &str) -> Option<&NoticeKind> {
        self.0.kinds.iter().find(|kind| kind.event == event)
    }

    /// The permission that it takes to hear of a kind; nobody does if there is none.
    pub(crate) fn permission(&self, kind: &NoticeKind) -> Option<&'static str> {
        self.0.catalogue.find(kind.event)?.permission
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// Whether somebody with these permissions hears of a kind.
    fn is_heard_with(&self, kind: &NoticeKind, permissions: &[&'static str]) -> bool {
        self.permission(kind).is_some_and(|permission| permissions.contains(&permission))
    }

    /// An event as something to be told, if it is and somebody may hear of it; and once more if it is of a channel's own kinds.
    fn news<'a>(&'a self, event: &'a RecordedEvent, own: &'static [NoticeKind]) -> impl Iterator<Item = News<'a>> {
        let kinds = self.kind(&event.name).into_iter().chain(own.iter().filter(|kind| kind.event == event.name));
        kinds.filter(|kind| kind.is_worth(&event.data)).filter_map(|kind| {
            let (tenant, permission) = (event.ledger.tenant()?, self.permission(kind)?);
            let roles = (self.0.holders)(permission);
            (!roles.is_empty()).then_some(News { event, tenant, kind, permission, roles })
        })
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications").field("kinds", &self.0.kinds.len()).finish_non_exhaustive()
    }
}
