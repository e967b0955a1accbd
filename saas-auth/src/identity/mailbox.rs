//! Whoever comes from a provider that is not believed about addresses is asked in their mailbox.

use chrono::TimeDelta;
use saas_core::{Actor, Ledger, Token, UserId, system_event_in};

use super::{
    MailboxAsked, Refused,
    arrive::{Comes, sign_in},
    flow::FlowBrowser,
    returned::Comer,
};
use crate::{
    AttemptLimit, Auth, Email,
    account::Entry,
    attempt::Counted,
    mail::Reader,
    provider::{Claimed, ProviderClient, Trust},
};

/// How long the link works.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// How many mails one address gets, with an account or without.
const MAILS: AttemptLimit = AttemptLimit::new(3, TimeDelta::hours(1));

/// Mails a link to the address that a provider names; to whoever has an account with it already, a letter that says so. The answer and the number of
/// mails say nothing of whether there is one.
///
/// # Security
///
/// The link works in the browser in which its reader came from the provider, so whoever has another's address written into their account there gains
/// nothing when the other opens it.
pub(super) async fn mailbox_ask(
    auth: &Auth,
    provider: &ProviderClient,
    state: &Token,
    claimed: &Claimed,
    email: &Email,
    comer: Comer<'_>,
) -> Result<(), Refused> {
    let mut tx = auth.db().system("ask in a mailbox who came from a provider").caused_by(comer.origin.clone()).begin().await?;
    let mails = auth.attempts("provider mail", email.key(), MAILS);
    if let Counted::Refused { .. } = mails.add_in(&mut tx).await? {
        tx.rollback().await;
        return Ok(());
    }
    let (token, state_hash, now) = (Token::generate(), state.hash(), tx.now());
    let mail_hash = token.hash();
    let known = sqlx::query!(
        r#"select user_id as "user: UserId", name, email from auth.account where email_key = $1 and verified_at is not null"#,
        email.key(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    sqlx::query!(
        "update auth.provider_flow set mail_hash = $2, issuer = $3, subject = $4, email = $5, name = $6, expires_at = $7 where state_hash = $1",
        state_hash.as_bytes(),
        mail_hash.as_bytes(),
        claimed.issuer,
        claimed.subject,
        email.as_str(),
        claimed.called(),
        now + LIFETIME,
    )
    .execute(&mut *tx)
    .await?;
    match &known {
        Some(known) => {
            let reader = Reader { user: known.user, email: &known.email, name: &known.name };
            comer.letters.provider_known_in(&mut tx, reader, provider.label(), &token).await?;
        }
        None => comer.letters.provider_confirm_in(&mut tx, email, provider, &token).await?,
    }
    let subject = known.map_or_else(|| "unknown".to_owned(), |known| known.user.to_string());
    system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, subject, &MailboxAsked { provider: provider.name() }).await?;
    tx.commit().await?;
    Ok(())
}

/// Somebody has the link from the mail, in the browser in which they came: the address is theirs. Of any number at once one succeeds.
pub(crate) async fn mailbox_confirm(
    auth: &Auth,
    provider: &ProviderClient,
    token: Option<&Token>,
    browser: FlowBrowser,
    comer: Comer<'_>,
) -> Result<(Entry, bool, Option<String>), Refused> {
    let (Some(token), Some(browser)) = (token, browser.0) else { return Err(Refused::Over) };
    let mut tx = auth.db().system("take an answer from a mailbox").begin().await?;
    let (mail_hash, browser_hash, now) = (token.hash(), browser.hash(), tx.now());
    let waiting = sqlx::query!(
        r#"delete from auth.provider_flow
        where mail_hash = $1 and browser_hash = $2 and provider = $3 and expires_at > $4
        returning issuer as "issuer!", subject as "subject!", email as "email!", name as "name!", next"#,
        mail_hash.as_bytes(),
        browser_hash.as_bytes(),
        provider.name(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Refused::Over)?;
    tx.commit().await?;
    let email: Email = waiting.email.parse().map_err(|_| Refused::NoAddress)?;
    let claimed =
        Claimed { issuer: waiting.issuer, subject: waiting.subject, address: Some((email, Trust::Verified)), name: Some(waiting.name) };
    let comes = Comes { provider, claimed: &claimed, old: comer.me.map(|me| me.session) };
    let (entry, is_new) = sign_in(auth, comes, comer.origin, comer.letters).await?;
    Ok((entry, is_new, waiting.next))
}
