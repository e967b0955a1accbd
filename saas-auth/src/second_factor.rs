//! A second factor: codes from an authenticator app (RFC 6238), and backup codes for bad days.
//!
//! Whoever has one is asked for it after whatever else they have shown, by the one door (`account/entry.rs`). No code works twice, guesses are
//! counted, and nothing that is mailed stands in for it.
//!
//! # Security
//!
//! * A code of the app is taken within its 30 seconds, those before and those after, and only if it is later than the last one that was taken.
//! * Twenty wrong codes a day are answered, whoever enters them; of three in a million that are right, that leaves six in a hundred thousand. A
//!   backup code has 120 random bits and is not counted there: so nobody who knows the password locks out its owner by guessing.
//! * The app's secret is sealed with the master key for its row and account; of backup codes there are hashes alone.

mod app_secret;
mod authenticator;
mod backup_code;
mod error;
mod event;
mod off;
mod pending;
mod proof;
mod qr;

pub(crate) use authenticator::{Enrolment, authenticator_begin, authenticator_confirm, authenticator_waiting};
pub(crate) use backup_code::{BackupCodes, backup_codes_renew};
pub use error::SecondFactorError;
pub(crate) use event::{
    BackupCodeUsed, BackupCodesRenewed, SecondFactorOff, SecondFactorOffRefused, SecondFactorOffRequested, SecondFactorOn,
    SecondFactorRefused, SecondFactorThrottled,
};
pub(crate) use off::{second_factor_off, second_factor_off_start};
pub(crate) use pending::{PendingEntry, pending_entry_finish, pending_entry_insert_in, pending_entry_methods};
pub(crate) use proof::{Checked, Proof, proof_check_in};
pub(crate) use qr::Qr;

use chrono::{DateTime, Utc};
use saas_core::{DbError, SystemTx, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Auth, session::Method};

/// The second factor of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    /// Since when it is asked for; not at all if none.
    pub(crate) since: Option<DateTime<Utc>>,
    /// How many backup codes are left.
    pub(crate) backup_codes_left: i64,
    /// How many passkeys there are, each of which takes its place.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) passkeys: i64,
}

impl SecondFactor {
    /// What may be shown; nothing if it is not asked for.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let backup = (self.backup_codes_left > 0).then_some(Method::BackupCode);
        self.since.map_or_else(Vec::new, |_| [Method::Totp].into_iter().chain(backup).chain(self.passkey()).collect())
    }

    /// Whether a session in which this was shown may still say so. The app stands in for a passkey that is gone, as it is asked for beside each, but
    /// no passkey for an app: it was not shown.
    pub(crate) const fn stands_for(&self, method: Method) -> bool {
        !method.shows_second() || self.since.is_some() || (method.is_both() && self.passkeys > 0)
    }

    /// Whether there is none at all.
    pub(crate) const fn is_none(&self) -> bool {
        self.since.is_none() && self.passkeys == 0
    }

    /// What may be shown in the place of anything else.
    pub(crate) fn passkey(&self) -> Option<Method> {
        (self.passkeys > 0).then_some(Method::Passkey)
    }
}

/// The second factor of an account as it is now. Whoever locks the account's row before gets what stays so.
pub(crate) async fn second_factor_in(tx: &mut SystemTx, user: UserId) -> Result<SecondFactor, DbError> {
    Ok(sqlx::query_as!(
        SecondFactor,
        r#"select
            (select confirmed_at from auth.authenticator where user_id = $1 and confirmed_at is not null) as since,
            (select count(*) from auth.backup_code where user_id = $1 and used_at is null) as "backup_codes_left!",
            (select count(*) from auth.passkey where user_id = $1 and copied_at is null and $2) as "passkeys!""#,
        Uuid::from(user),
        cfg!(feature = "passkeys"),
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// The same, for whoever only looks.
pub(crate) async fn second_factor(auth: &Auth, user: UserId) -> Result<SecondFactor, DbError> {
    let mut tx = auth.db().system("look at a second factor").begin().await?;
    let found = second_factor_in(&mut tx, user).await?;
    tx.commit().await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever takes one away keeps of the session what still stands for something.
    #[test]
    fn what_was_shown_counts_for_as_long_as_the_account_has_it() {
        let counting = |app: bool, passkeys: i64| {
            let left = SecondFactor { since: app.then(DateTime::default), backup_codes_left: 0, passkeys };
            [Method::Password, Method::Totp, Method::BackupCode, Method::Passkey].map(|method| left.stands_for(method))
        };
        assert_eq!(counting(true, 1), [true; 4]);
        assert_eq!(counting(true, 0), [true; 4], "the app is asked for beside whatever opens the account");
        assert_eq!(counting(false, 1), [true, false, false, true]);
        assert_eq!(counting(false, 0), [true, false, false, false]);
    }
}
