//! What happens to accounts elsewhere. It belongs to no tenant, so it is recorded in the program's own ledger.

use saas_core::{Event, EventSeverity};
use serde::Serialize;
use utoipa::ToSchema;

/// Why an account elsewhere was linked with one here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkedBy {
    /// The account was made with it.
    SignUp,
    /// The provider hands out the address that the account has.
    Address,
    /// Its person wanted it.
    Person,
}

/// An account elsewhere opens one here from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityLinked<'a> {
    /// The provider's name in the settings.
    pub(crate) provider: &'a str,
    pub(crate) by: LinkedBy,
}

impl Event for IdentityLinked<'_> {
    const NAME: &'static str = "auth.identity.linked";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// An account elsewhere opens nothing here any more. All other sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityUnlinked<'a> {
    /// The provider's name in the settings.
    pub(crate) provider: &'a str,
}

impl Event for IdentityUnlinked<'_> {
    const NAME: &'static str = "auth.identity.unlinked";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody came from a provider that is not believed about addresses, and a link was mailed to the address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailboxAsked<'a> {
    /// The provider's name in the settings.
    pub(crate) provider: &'a str,
}

impl Event for MailboxAsked<'_> {
    const NAME: &'static str = "auth.provider.mailbox_asked";
    const TOPIC: &'static str = "account";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody came back from a provider and was not let in, or their account there was not linked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProviderRefused<'a> {
    /// The provider's name in the settings.
    pub(crate) provider: &'a str,
    /// Why, in one word.
    pub(crate) reason: &'static str,
}

impl Event for ProviderRefused<'_> {
    const NAME: &'static str = "auth.provider.refused";
    const TOPIC: &'static str = "account";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}
