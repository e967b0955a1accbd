//! What those are called who used something.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures_core::future::BoxFuture;
use saas_core::{DbError, TenantTx};
use sqlx::query;
use uuid::Uuid;

use super::Till;

/// Says what keys, machines and whatever else the product knows are called.
pub(crate) type Naming =
    Arc<dyn for<'a> Fn(&'a mut TenantTx, &'a [Uuid]) -> BoxFuture<'a, Result<Vec<(Uuid, String)>, DbError>> + Send + Sync>;

impl Till {
    /// The names by id, of those that have one. Whoever was erased has none.
    pub(super) async fn names_in(
        &self,
        tx: &mut TenantTx,
        whom: impl Iterator<Item = (&str, &str)>,
    ) -> Result<HashMap<String, String>, DbError> {
        let (mut people, mut others) = (BTreeSet::new(), BTreeSet::new());
        for (kind, id) in whom {
            let Ok(id) = id.parse::<Uuid>() else { continue };
            if kind == "user" {
                people.insert(id)
            } else {
                others.insert(id)
            };
        }
        let (people, others) = (Vec::from_iter(people), Vec::from_iter(others));
        let mut names = HashMap::new();
        if !people.is_empty() {
            let tenant = tx.tenant().map(Uuid::from);
            let members =
                query!("select user_id, name from core.member where tenant_id = $1 and user_id = any ($2) and name <> ''", tenant, &people)
                    .fetch_all(&mut **tx)
                    .await?;
            names.extend(members.into_iter().map(|member| (member.user_id.to_string(), member.name)));
        }
        if let Some(naming) = self.naming.as_ref().filter(|_| !others.is_empty()) {
            names.extend(naming(tx, &others).await?.into_iter().map(|(id, name)| (id.to_string(), name)));
        }
        Ok(names)
    }
}
