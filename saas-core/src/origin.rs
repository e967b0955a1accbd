use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use uuid::Uuid;

use crate::{ClientAddress, Declares, RequestId};

/// Where a change comes from: what the audit log says beside who made it. Nothing of it is known for what the program does by itself.
///
/// A tenancy layer puts it on the request's [`TenantDb`](crate::TenantDb), from where each event takes it.
///
/// ```no_run
/// # async fn example(db: saas_core::Db, tenant: saas_core::TenantId, origin: saas_core::Origin) -> Result<(), saas_core::DbError> {
/// let tx = db.tenant(tenant).caused_by(origin).begin().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, as far as it can be trusted.
    pub address: Option<IpAddr>,
    /// What the client calls itself: up to 300 characters, none of them a control character.
    pub user_agent: Option<Arc<str>>,
    /// The request, as the logs name it.
    pub request: Option<Uuid>,
}

const USER_AGENT_MAX: usize = 300;

impl Origin {
    /// Where a request comes from.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        let user_agent = parts.headers.get(header::USER_AGENT).map(|value| {
            // Anybody can write anything here: what is no text is replaced, and PostgreSQL could not store a NUL.
            String::from_utf8_lossy(value.as_bytes()).chars().filter(|c| !c.is_control()).take(USER_AGENT_MAX).collect::<String>().into()
        });
        Self {
            address: parts.extensions.get::<ClientAddress>().map(|it| it.0),
            user_agent,
            request: parts.extensions.get::<RequestId>().map(|it| it.0),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl Declares for Origin {}
