use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Actor, Ledger, Secret, SystemTx, system_event_in};

use super::{
    BackupCodeUsed, SecondFactorError, SecondFactorRefused, SecondFactorThrottled, authenticator::authenticator_code_use_in,
    backup_code::backup_code_use_in,
};
use crate::{
    AttemptLimit, Auth,
    attempt::Counted,
    mail::{Letters, Reader},
    session::Method,
};

/// How many wrong codes of the app an account bears. Three of a million are right, so whoever tries all of them has six chances in a hundred
/// thousand a day (topic 9 allows ten).
const WRONG_CODES: AttemptLimit = AttemptLimit::new(20, TimeDelta::hours(24));

/// What somebody shows as their second factor.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// A code of their app.
    App(Secret),
    /// A code from their list.
    Backup(Secret),
}

/// What it was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// It was right, and is used up.
    Right(Method),
    /// It was wrong, or had been used.
    Wrong,
    /// It was not looked at.
    Throttled {
        /// Until when none is.
        until: DateTime<Utc>,
    },
}

/// Takes a code of an account whose row is locked. That it was wrong is counted and recorded: so the transaction is committed in any case.
pub(crate) async fn proof_check_in(
    tx: &mut SystemTx,
    auth: &Auth,
    reader: Reader<'_>,
    proof: &Proof,
    letters: &Letters,
) -> Result<Checked, SecondFactorError> {
    let user = reader.user;
    match proof {
        Proof::App(code) => {
            let wrong = auth.attempts("second factor", user, WRONG_CODES);
            if let Some(until) = wrong.refused_until_in(tx).await? {
                return Ok(Checked::Throttled { until });
            }
            if authenticator_code_use_in(tx, auth, user, code).await? {
                return Ok(Checked::Right(Method::Totp));
            }
            system_event_in(tx, Ledger::Platform, Actor::Anonymous, user, &SecondFactorRefused {}).await?;
            match wrong.add_in(tx).await? {
                Counted::Yes { until: None } => {}
                Counted::Yes { until: Some(_) } | Counted::Refused { .. } => {
                    system_event_in(tx, Ledger::Platform, Actor::Anonymous, user, &SecondFactorThrottled {}).await?;
                    letters.codes_refused_in(tx, reader).await?;
                }
            }
        }
        Proof::Backup(code) => {
            if let Some(left) = backup_code_use_in(tx, user, code).await? {
                system_event_in(tx, Ledger::Platform, Actor::User(user), user, &BackupCodeUsed { left }).await?;
                letters.backup_code_used_in(tx, reader).await?;
                return Ok(Checked::Right(Method::BackupCode));
            }
            system_event_in(tx, Ledger::Platform, Actor::Anonymous, user, &SecondFactorRefused {}).await?;
        }
    }
    Ok(Checked::Wrong)
}
