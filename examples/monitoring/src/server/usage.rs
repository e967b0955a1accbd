//! What is used, by whom and when.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use http::Method;
use saas_admin::Program;
use saas_auth::Auth;
use saas_billing::{CountLayer, Meter, Till};
use saas_core::{DbError, KeyId, TenantTx};
use uuid::Uuid;

use super::limits::{API_REQUESTS, is_api};

/// Readings that agents sent.
pub(super) const READINGS: Meter = Meter::new("readings");

/// Devices that agents found and that the plan had room for, counted when they are found: one that was deleted and is found
/// again is found twice. They are what is paid for, so they are recorded with the device.
pub(super) const DEVICES_FOUND: Meter = Meter::new("devices-found");

/// Counts the requests that the limit of the plan counts, by whoever makes them.
pub(super) fn requests(program: &Program) -> CountLayer {
    program.counts.layer(API_REQUESTS, |_: &Method, path| is_api(path))
}

/// Shows all of it.
pub(super) fn shown(till: Till, auth: &Auth) -> Till {
    let auth = auth.clone();
    till.charting(API_REQUESTS).charting(READINGS).charting(DEVICES_FOUND).naming(move |tx, ids| named(auth.clone(), tx, ids))
}

/// What agents and keys are called.
fn named<'a>(auth: Auth, tx: &'a mut TenantTx, ids: &'a [Uuid]) -> BoxFuture<'a, Result<Vec<(Uuid, String)>, DbError>> {
    Box::pin(async move {
        let tenant = tx.tenant().map(Uuid::from);
        let agents =
            sqlx::query!("select id, name from agent where tenant_id = $1 and id = any ($2)", tenant, ids).fetch_all(&mut **tx).await?;
        let mut named: Vec<_> = agents.into_iter().map(|agent| (agent.id, agent.name)).collect();
        // Whoever is no agent is a key.
        let known: BTreeSet<_> = named.iter().map(|(id, _)| *id).collect();
        let others: Vec<_> = ids.iter().filter(|id| !known.contains(id)).map(|id| KeyId::from(*id)).collect();
        if !others.is_empty() {
            named.extend(auth.api_key_names_in(tx, &others).await?.into_iter().map(|(key, name)| (key.into(), name)));
        }
        Ok(named)
    })
}
