use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::Keyed;
use crate::{Access, Actor, CurrentUser, Declares, Operation, Origin, Problem, TenantDb, TenantId, Web};

/// The data of a tenant that the request is about to make, acting as the person who is signed in.
///
/// The tenant has a new id each time. Where the request has an `Idempotency-Key` it has the same one each time, so that a request that is
/// sent again finds what the first one made.
#[derive(Debug, Clone)]
pub struct NewTenantDb(pub TenantDb);

impl<S: Send + Sync> FromRequestParts<S> for NewTenantDb {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let CurrentUser(me) = CurrentUser::from_request_parts(parts, state).await?;
        let web = parts.extensions.get::<Arc<Web>>().ok_or_else(|| Problem::missing_layer("finish"))?;
        let keyed = parts.extensions.get::<Keyed>().cloned();
        let id = keyed.as_ref().map_or_else(TenantId::new, |keyed| {
            let hash = Sha256::digest(format!("tenant of {} {}", me.user, keyed.key()));
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&hash[..16]);
            TenantId::from(uuid::Builder::from_custom_bytes(bytes).into_uuid())
        });
        let db = web.db.tenant(id).acting(me.user).caused_by(Origin::of(parts));
        Ok(Self(db.with_key(keyed, Actor::User(me.user))))
    }
}

impl Declares for NewTenantDb {
    fn access() -> Access {
        Access::signed_in()
    }

    fn describe(operation: &mut Operation) {
        operation.may_be_repeated();
    }
}
