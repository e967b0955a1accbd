use saas_core::{DbError, FieldError, Problem, ProblemType, mail::MailInError};

use crate::MemberError;

/// An invitation cannot be sent, taken back or accepted so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// The organization has no invitation like this that waits.
    #[error("no such invitation")]
    NotFound,
    /// The caller may not invite, or not into this role.
    #[error("the role is above the one of whoever invites")]
    NotPermitted,
    /// Enough mails went out for now: to this address, or from this organization.
    #[error("too many mails")]
    Later,
    /// The link was used, is too old, or never was one; or whoever sent it may not any more.
    #[error("the invitation cannot be used any more")]
    Over,
    /// Whoever is signed in has another address than the invitation.
    #[error("the invitation is for another address")]
    OtherAddress,
    /// Whoever is signed in has not shown that the address is theirs.
    #[error("the address is not verified")]
    Unverified,
    /// The organization has no seat, for this reason.
    #[error("there is no seat")]
    NoSeat(Box<Problem>),
    /// The membership cannot be.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for InvitationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<InvitationError> for Problem {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::NotFound => Self::not_found(),
            InvitationError::NotPermitted => Self::forbidden().detail("nobody invites into a role above their own"),
            InvitationError::Later => Self::new(&ProblemType::TOO_MANY_REQUESTS).detail("enough invitations were mailed for now"),
            InvitationError::Over => Self::invalid([FieldError::new("/token", "was used already, is too old, or was taken back")]),
            InvitationError::OtherAddress => Self::forbidden().detail("this invitation is for another address than yours"),
            InvitationError::Unverified => Self::forbidden().detail("verify your email address first"),
            InvitationError::NoSeat(problem) => *problem,
            InvitationError::Member(error) => error.into(),
            InvitationError::Mail(error) => error.into(),
            InvitationError::Database(error) => error.into(),
        }
    }
}
