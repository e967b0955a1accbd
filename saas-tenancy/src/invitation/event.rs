use saas_core::{Event, Permission as _, Personal};
use serde::Serialize;
use utoipa::ToSchema;

use super::MemberInvite;
use crate::RoleName;

/// Somebody was asked to join, for the first time or again.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationSent {
    /// Who.
    #[schema(value_type = String)]
    pub email: Personal<String>,
    /// The role that they are to have.
    pub role: RoleName,
}

impl Event for InvitationSent {
    const NAME: &'static str = "tenancy.invitation.sent";
    const TOPIC: &'static str = "members";
    const PERMISSION: Option<&'static str> = Some(MemberInvite::NAME);
}

/// An invitation was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationRevoked<'a> {
    /// Who was asked.
    #[schema(value_type = String)]
    pub email: Personal<&'a str>,
}

impl Event for InvitationRevoked<'_> {
    const NAME: &'static str = "tenancy.invitation.revoked";
    const TOPIC: &'static str = "members";
    const PERMISSION: Option<&'static str> = Some(MemberInvite::NAME);
}
