use saas_core::{Ledger, Origin, Secret, SignedIn, Token, system_event_in};
use uuid::Uuid;

use super::{SecondFactorError, SecondFactorOff, SecondFactorOffRefused, SecondFactorOffRequested, second_factor_in};
use crate::{
    Auth,
    account::{
        BoundToken, CurrentPassword, account_has_password, account_lock_in, bound_token_insert_in, bound_token_use_in,
        current_password_check, current_password_entered,
    },
    attempt::Counted,
    mail::Letters,
    operator::operator_without_second_factor_in,
    refused::Refused,
    session::{NewSession, Replace, session_end_all_in, session_replace_in},
};

/// Asks by mail whether whoever is signed in wants to be asked for a second factor no more. They have just shown it, and enter the password that
/// they have, if the account has one.
pub(crate) async fn second_factor_off_start(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    password: &Secret,
    letters: &Letters,
) -> Result<(), SecondFactorError> {
    let current = password_check(auth, origin.clone(), me, password).await?;
    let mut tx = auth.db().system("ask whether a second factor is to go").caused_by(origin).begin().await?;
    account_lock_in(&mut tx, me.user).await?;
    if let Some(current) = current {
        current.counts_in(&mut tx).await?;
    }
    if second_factor_in(&mut tx, me.user).await?.since.is_none() {
        return Err(SecondFactorError::Absent);
    }
    let now = tx.now();
    let (lifetime, mails) = BoundToken::SecondFactorOff.terms(auth, &me.user.to_string());
    if let Counted::Refused { until } = mails.add_in(&mut tx).await? {
        return Err(SecondFactorError::MailThrottled { wait: (until - now).to_std().unwrap_or_default() });
    }
    let token = Token::generate();
    bound_token_insert_in(&mut tx, &token, BoundToken::SecondFactorOff, me.user, lifetime, None).await?;
    letters.second_factor_off_link_in(&mut tx, me.into(), &token, lifetime).await?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &SecondFactorOffRequested {}).await?;
    tx.commit().await?;
    Ok(())
}

async fn password_check(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    password: &Secret,
) -> Result<Option<CurrentPassword>, SecondFactorError> {
    if !account_has_password(auth, me.user).await? {
        return Ok(None);
    }
    current_password_entered(password).map_err(|refusal| SecondFactorError::Refused(Refused::of("password", refusal)))?;
    Ok(Some(current_password_check(auth, origin, me, password, &SecondFactorOffRefused {}).await?))
}

/// Uses a mailed link: from now on no second factor is asked for, and so its person runs the product no more, if they did. All other sessions end;
/// the one at hand goes on under another id and token.
pub(crate) async fn second_factor_off(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    token: &Token,
    letters: &Letters,
) -> Result<NewSession, SecondFactorError> {
    let mut tx = auth.db().system("turn a second factor off").caused_by(origin).begin().await?;
    account_lock_in(&mut tx, me.user).await?;
    if !bound_token_use_in(&mut tx, BoundToken::SecondFactorOff, token, me.user).await? {
        return Err(SecondFactorError::Expired);
    }
    sqlx::query!("delete from auth.backup_code where user_id = $1", Uuid::from(me.user)).execute(&mut *tx).await?;
    sqlx::query!("delete from auth.authenticator where user_id = $1", Uuid::from(me.user)).execute(&mut *tx).await?;
    session_end_all_in(&mut tx, me.user, Some(me.session)).await?;
    let left = second_factor_in(&mut tx, me.user).await?;
    let session = session_replace_in(&mut tx, me, Replace::Left(&left)).await?.ok_or(SecondFactorError::Expired)?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &SecondFactorOff {}).await?;
    letters.second_factor_off_in(&mut tx, me.into(), &token.hash()).await?;
    operator_without_second_factor_in(&mut tx, me, letters).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, "turned a second factor off");
    Ok(session)
}
