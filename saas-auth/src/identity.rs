//! Accounts elsewhere that are linked with accounts here: how somebody comes in with one, and how they look after them.

mod arrive;
mod change;
mod event;
mod flow;
mod list;
mod mailbox;
mod refusal;
mod returned;

pub use change::IdentityError;
pub(crate) use change::{identity_link_begin, identity_unlink};
pub(crate) use event::{IdentityLinked, IdentityUnlinked, MailboxAsked, ProviderRefused};
pub(crate) use flow::{Begun, FlowBrowser, FlowCookie, sign_in_begin};
pub(crate) use list::identity_list;
pub use list::{Identity, IdentityId};
pub(crate) use mailbox::{LIFETIME as MAILBOX_LIFETIME, mailbox_confirm};
pub(crate) use refusal::Refused;
pub(crate) use returned::{Arrived, Comer, Returned, provider_return};
