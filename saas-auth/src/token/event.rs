//! What happens to tokens. They are a person's, as sessions are, so it is recorded in the program's own ledger.

use chrono::{DateTime, Utc};
use saas_core::{Event, EventSeverity, TenantId, TokenFamilyId};
use serde::Serialize;
use utoipa::ToSchema;

/// A person let a program act for them in an organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokensIssued<'a> {
    pub(crate) family: TokenFamilyId,
    /// The organization.
    pub(crate) tenant: TenantId,
    /// What the person calls the program.
    pub(crate) name: Option<&'a str>,
}

impl Event for TokensIssued<'_> {
    const NAME: &'static str = "auth.tokens.issued";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}

/// Programs may no longer act for a person: the person said so, or the program itself, or sessions ended that tokens end with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokensEnded {
    pub(crate) families: Vec<TokenFamilyId>,
}

impl Event for TokensEnded {
    const NAME: &'static str = "auth.tokens.ended";
    const TOPIC: &'static str = "sessions";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody used a refresh token that was used up, so two have it. All tokens of the family ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokensReused {
    pub(crate) family: TokenFamilyId,
    /// The organization.
    pub(crate) tenant: TenantId,
}

impl Event for TokensReused {
    const NAME: &'static str = "auth.tokens.reused";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Critical;
    const PERMISSION: Option<&'static str> = None;
}

/// Another key signs tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SigningKeyRotated {
    pub(crate) signs_from: DateTime<Utc>,
    /// Whether what the others had signed was refused from then on.
    pub(crate) withdrawn: bool,
}

impl Event for SigningKeyRotated {
    const NAME: &'static str = "auth.signing_key.rotated";
    const TOPIC: &'static str = "keys";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = None;
}
