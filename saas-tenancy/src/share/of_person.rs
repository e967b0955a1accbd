use std::collections::BTreeMap;

use saas_core::{DbError, ShareLevel, Standing, TenantTx, UserId};
use serde::Serialize;
use sqlx::{Postgres, QueryBuilder, query};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Shareable;
use crate::Tenancy;

/// A thing that is shared with somebody.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SharedThing {
    /// The kind of thing.
    pub(crate) kind: &'static str,
    /// Its id.
    pub(crate) id: Uuid,
    /// What it is called; none for whoever may not see it.
    pub(crate) title: Option<String>,
    /// Where it is shown.
    pub(crate) path: String,
    /// How far it is shared.
    pub(crate) level: ShareLevel,
    /// The names of the permissions that this gives for it.
    pub(crate) permissions: Vec<&'static str>,
    /// What whoever shared it is called.
    pub(crate) shared_by: String,
}

impl Tenancy {
    /// What is shared with a member, as a reader may see it. What the product does not let be shared any more gives nothing and is left out.
    pub(crate) async fn shared_with_in(&self, tx: &mut TenantTx, reader: &Standing, person: UserId) -> Result<Vec<SharedThing>, DbError> {
        let rows = query!(
            "select s.kind, s.resource_id, s.level, by.name as shared_by
            from core.share s
            join core.member by on by.tenant_id = s.tenant_id and by.user_id = s.shared_by
            where s.tenant_id = $1 and s.user_id = $2
            order by s.kind, s.shared_at, s.resource_id",
            tx.tenant().map(Uuid::from),
            Uuid::from(person),
        )
        .fetch_all(&mut **tx)
        .await?;
        let mut things = Vec::new();
        for kind in self.shareables() {
            let of: Vec<_> = rows.iter().filter(|row| row.kind == kind.kind).collect();
            let is_seen = kind.view.iter().any(|view| reader.permissions.contains(view));
            let ids: Vec<_> = of.iter().map(|row| row.resource_id).collect();
            let mut titles = if is_seen && !ids.is_empty() { titles_in(tx, kind, &ids).await? } else { BTreeMap::new() };
            things.extend(of.into_iter().map(|row| {
                let level = ShareLevel::stored(&row.level);
                SharedThing {
                    kind: kind.kind,
                    id: row.resource_id,
                    title: titles.remove(&row.resource_id),
                    path: kind.path.replace("{id}", &row.resource_id.to_string()),
                    level,
                    permissions: kind.gives(level),
                    shared_by: row.shared_by.clone(),
                }
            }));
        }
        Ok(things)
    }
}

async fn titles_in(tx: &mut TenantTx, kind: &Shareable, ids: &[Uuid]) -> Result<BTreeMap<Uuid, String>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new("select id, ");
    query.push(kind.title).push("::text from ").push(kind.table).push(" where tenant_id = ").push_bind(tx.tenant().map(Uuid::from));
    query.push(" and id = any(").push_bind(ids).push(")");
    let titles: Vec<(Uuid, String)> = query.build_query_as().fetch_all(&mut **tx).await?;
    Ok(titles.into_iter().collect())
}
