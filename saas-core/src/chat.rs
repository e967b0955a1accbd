//! The organization's chat is told what happens (NOT-05): Slack, what takes messages as Slack does (Mattermost, Rocket.Chat, Discord with
//! `/slack` behind the address), and any program that takes JSON.
//!
//! [`Chat`] is a [`Channel`](crate::notification::Channel): of what is worth telling it makes a message for each of the tenant's channels that
//! wants it. Each message is a [job](crate::Jobs) of the tenant, so tenants take turns.
//!
//! ```no_run
//! use saas_core::{Jobs, MasterKey, Outbound, OutboundPolicy, Relay, Routes, chat::Chat, notification::Notifications};
//!
//! fn compose(notifications: &Notifications, keys: &MasterKey, relay: &Relay, jobs: &Jobs) -> Result<Routes, Box<dyn std::error::Error>> {
//!     let chat = Chat::new(notifications, keys, Outbound::new(OutboundPolicy::public())?);
//!     relay.register(notifications.through(chat.clone()));
//!     chat.work_for(jobs);
//!     Ok(chat.routes()) // below the tenancy layer
//! }
//! ```
//!
//! # What holds
//!
//! * One event is one message in each channel, wherever a node is killed. Between its sending and the note of it, a kill sends it again; JSON has
//!   the message's `id`, by which a receiver drops what it has seen. Slack's form has no place for one.
//! * 2xx within ten seconds is success. No answer, 408, 425, 429 and 5xx are tried again after 10 s, 1, 5 and 15 min, 1 and 3 h, and not before
//!   what `Retry-After` asks for; the whole channel rests meanwhile, for a minute at most unless it asked for more. Any other answer, the seventh
//!   failure and an age of six hours end the message.
//! * The first message that ends so is an event, of which those who may see channels are told; 404 and 410 also end the channel's messages until
//!   somebody resumes it.
//! * The address lets its holder write into the chat. It is sealed, never shown again, and called through [`Outbound`].
//! * Names in a message cannot address anybody or hide a link: see `chat/message.rs`.

mod address;
pub(crate) mod answer;
mod api;
mod channel;
mod event;
mod message;
mod page;
mod record;
mod send;
mod tell;
pub(crate) mod turns;

pub use channel::{ChatChannel, ChatError, ChatFormat, ChatState};
pub use event::{ChatChannelAdded, ChatChannelChanged, ChatChannelFailed, ChatChannelRemoved, EVENTS};
pub use message::{ChatMessage, ChatMessageState};
pub use send::ChatOutcome;

use std::{fmt, sync::Arc, time::Duration};

use crate::{MasterKey, Outbound, notification::Notifications};
use turns::Turns;

crate::ids! {
    /// A place in a chat that takes messages.
    pub ChatChannelId;
    /// A message to a chat: the id of the event, or of a test.
    pub ChatMessageId;
}

crate::permissions! {
    /// See chat channels and what was sent to them.
    pub ChatRead = "chat.read";
    /// Add, change and remove chat channels.
    pub ChatWrite = "chat.write";
}

/// How many channels a tenant may have.
const MOST: i64 = 20;
/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The chat channels of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct Chat(Arc<Inner>);

struct Inner {
    notifications: Notifications,
    keys: MasterKey,
    outbound: Outbound,
    turns: Turns,
}

impl Chat {
    /// Tells what `notifications` tell, through `outbound`; `keys` seal the addresses.
    #[must_use]
    pub fn new(notifications: &Notifications, keys: &MasterKey, outbound: Outbound) -> Self {
        let outbound = outbound.within(PATIENCE);
        Self(Arc::new(Inner { notifications: notifications.clone(), keys: keys.clone(), outbound, turns: Turns::default() }))
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("outbound", &self.0.outbound).finish_non_exhaustive()
    }
}
