use saas_core::{Actor, DbError, Ledger, Origin, Secret, SignedIn, Token, system_event_in};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ProviderRefused, Refused,
    arrive::{Comes, sign_in},
    change::link,
    flow::{Flow, FlowBrowser, asked, flow_use},
    mailbox::mailbox_ask,
};
use crate::{
    Auth,
    account::Entry,
    mail::Letters,
    provider::{ProviderClient, ProviderError},
};

/// What a provider sends somebody back with (RFC 6749, section 4.1.2; RFC 9207). Whatever else is in it is none of ours.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Returned {
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// They have shown who they are.
    Entered {
        entry: Entry,
        next: Option<String>,
        /// Whether they were never here before.
        is_new: bool,
    },
    /// Their account there is linked with the one here.
    Linked,
    /// Whether the address is theirs is asked in its mailbox.
    Asked { email: String },
}

/// Who comes back, from where, and in which language they are written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comer<'a> {
    pub(crate) me: Option<&'a SignedIn>,
    pub(crate) origin: &'a Origin,
    pub(crate) letters: &'a Letters,
}

/// Takes somebody back. Whoever has begun this way and why it leads nowhere is recorded; what nobody has begun is nothing to us.
pub(crate) async fn provider_return(
    auth: &Auth,
    provider: &ProviderClient,
    returned: Returned,
    browser: FlowBrowser,
    comer: Comer<'_>,
) -> Result<Arrived, Refused> {
    let (Some(state), Some(browser)) = (Token::parse(&returned.state), browser.0) else { return Err(Refused::Over) };
    let flow = flow_use(auth, provider, state.hash(), browser.hash()).await?.ok_or(Refused::Over)?;
    let refused = match finish(auth, provider, state, returned, flow, comer).await {
        Ok(arrived) => return Ok(arrived),
        Err(refused) => refused,
    };
    if let Some(reason) = refused.word() {
        record(auth, provider, reason, comer).await?;
        tracing::info!(provider = provider.name(), reason, error = &refused as &dyn std::error::Error, "a provider led nowhere");
    }
    Err(refused)
}

async fn finish(
    auth: &Auth,
    provider: &ProviderClient,
    state: Token,
    returned: Returned,
    flow: Flow,
    comer: Comer<'_>,
) -> Result<Arrived, Refused> {
    let Comer { me, origin, letters } = comer;
    if !provider.is_its_answer(returned.iss.as_deref()).await? {
        return Err(ProviderError::mixed_up().into());
    }
    match returned.error.as_deref() {
        Some("access_denied" | "user_cancelled_authorize") => return Err(Refused::Cancelled),
        Some(error) => return Err(Refused::ByProvider(error.chars().filter(char::is_ascii_graphic).take(64).collect())),
        None => {}
    }
    let linker = match (flow.user, me) {
        (None, _) => None,
        (Some(user), Some(me)) if me.user == user => Some(me),
        // Whoever is signed in here did not ask for it: perhaps somebody sent them here.
        (Some(_), _) => return Err(Refused::SomebodyElse),
    };
    let code = Secret::new(returned.code.ok_or_else(|| Refused::ByProvider("no code".to_owned()))?);
    let claimed = provider.claimed(&code, &asked(auth, &state)).await?;
    match linker {
        Some(me) => {
            link(auth, provider, &claimed, me, origin, letters).await?;
            Ok(Arrived::Linked)
        }
        None => {
            let comes = Comes { provider, claimed: &claimed, old: me.map(|me| me.session) };
            match (sign_in(auth, comes, origin, letters).await, &claimed.address) {
                (Err(Refused::Unconfirmed), Some((email, _))) => {
                    mailbox_ask(auth, provider, &state, &claimed, email, comer).await?;
                    Ok(Arrived::Asked { email: email.as_str().to_owned() })
                }
                (signed_in, _) => signed_in.map(|(entry, is_new)| Arrived::Entered { entry, next: flow.next, is_new }),
            }
        }
    }
}

async fn record(auth: &Auth, provider: &ProviderClient, reason: &'static str, comer: Comer<'_>) -> Result<(), DbError> {
    let mut tx = auth.db().system("refuse somebody from a provider").caused_by(comer.origin.clone()).begin().await?;
    let (actor, subject) = match comer.me {
        Some(me) => (Actor::User(me.user), me.user.to_string()),
        None => (Actor::Anonymous, "unknown".to_owned()),
    };
    system_event_in(&mut tx, Ledger::Platform, actor, subject, &ProviderRefused { provider: provider.name(), reason }).await?;
    tx.commit().await
}
