use sqlx::{PgConnection, query};
use uuid::Uuid;

use crate::{Permission, TenantId};

/// Tells the open streams of those in a tenant who hold the permission that a part of a page is another, once this is committed. An event does it by
/// itself; this is for what is none and somebody waits for. Each notice costs a lock on the whole server.
pub(crate) async fn tell_in<P: Permission>(connection: &mut PgConnection, tenant: TenantId, topic: &str) -> Result<(), sqlx::Error> {
    query!("select pg_notify('saas_live', concat_ws(' ', $1::uuid, $2::text, $3::text))", Uuid::from(tenant), P::NAME, topic)
        .execute(connection)
        .await
        .map(drop)
}
