use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use axum::extract::FromRequestParts;
use http::request::Parts;
use sqlx::PgConnection;

use super::{Db, DbError, pool::OpenTransaction};
use crate::{
    Access, Actor, Clock, Declares, Operation, Origin, Problem, ProblemType, Standing, TenantId, UserId,
    idempotency::{Claim, Keyed},
};

/// The data of one tenant. Holds no connection until [`begin`](Self::begin).
///
/// As an extractor it is the tenant of the request; the tenancy layer puts it there. In a safe request (`GET`, `HEAD`) its transactions are
/// read-only, so that a page can never write.
#[derive(Clone, Debug)]
pub struct TenantDb {
    db: Db,
    tenant: Option<TenantId>,
    user: Option<UserId>,
    origin: Origin,
    read_only: bool,
    snapshot: bool,
    keyed: Option<(Keyed, Actor)>,
}

impl TenantDb {
    pub(super) fn new(db: Db, tenant: Option<TenantId>, user: Option<UserId>) -> Self {
        Self { db, tenant, user, origin: Origin::default(), read_only: false, snapshot: false, keyed: None }
    }

    /// The same tenant, acting as a person.
    #[must_use]
    pub fn acting(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// The same tenant, with what the audit log says about where its changes come from. A tenancy layer sets it.
    #[must_use]
    pub fn caused_by(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// The same tenant, for reading alone.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// The same tenant, for reading alone and as it was at one moment: what others change while a transaction goes on, it does not see.
    #[must_use]
    pub fn snapshot(mut self) -> Self {
        (self.read_only, self.snapshot) = (true, true);
        self
    }

    /// Opens a transaction that sees this tenant's rows and no others, in one round trip.
    ///
    /// It rolls back when dropped, also when the request is cancelled.
    ///
    /// # Errors
    ///
    /// Fails if no connection can be had. A connection that died while it was idle is replaced without an error.
    pub async fn begin(&self) -> Result<TenantTx, DbError> {
        match &self.keyed {
            Some((keyed, actor)) if !self.read_only => keyed.begin(*actor, self).await,
            _ => self.open().await,
        }
    }

    /// The same tenant for a request with an idempotency key.
    pub(crate) fn with_key(mut self, keyed: Option<Keyed>, actor: Actor) -> Self {
        self.keyed = keyed.map(|keyed| (keyed, actor));
        self
    }

    pub(crate) fn without_key(&self) -> Self {
        Self { keyed: None, ..self.clone() }
    }

    pub(crate) async fn open(&self) -> Result<TenantTx, DbError> {
        let transaction = OpenTransaction::begin(&self.db.inner.app, &self.opening()).await?;
        Ok(TenantTx {
            transaction,
            tenant: self.tenant,
            user: self.user,
            origin: self.origin.clone(),
            clock: self.db.clock().clone(),
            claim: None,
        })
    }

    /// What opens its transactions. The ids stand in the text because one round trip allows no parameters. They are UUIDs printed by their own
    /// Display; nothing else may ever be put here.
    pub(crate) fn opening(&self) -> String {
        let (tenant, user) = (text(self.tenant), text(self.user));
        let isolation = if self.snapshot { " isolation level repeatable read" } else { "" };
        let read_only = if self.read_only { " read only" } else { "" };
        let proof = self.db.inner.seal.as_ref().map(|seal| seal.proof(&tenant, &user)).unwrap_or_default();
        format!("begin{isolation}{read_only}; select core.enter('{tenant}', '{user}'{proof})")
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }
}

fn text(id: Option<impl fmt::Display>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

impl<S: Send + Sync> FromRequestParts<S> for TenantDb {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let db = parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::missing_layer("one that finds the tenant"))?;
        let keyed = parts.extensions.get::<Keyed>().cloned();
        Ok(match parts.extensions.get::<Standing>() {
            Some(standing) => db.with_key(keyed, standing.actor),
            None => db,
        })
    }
}

impl Declares for TenantDb {
    fn access() -> Access {
        Access::member()
    }

    fn describe(operation: &mut Operation) {
        operation.may_be_repeated();
        operation.problem(&ProblemType::NO_TENANT);
        operation.problem(&ProblemType::NOT_FOUND);
    }
}

/// A transaction that sees one tenant's rows. Use `&mut *tx` where sqlx wants an executor.
///
/// Work that goes on beside takes the tenant with it and opens a transaction of its own:
///
/// ```no_run
/// # async fn example(tenant: saas_core::TenantDb) {
/// tokio::spawn(async move { tenant.begin().await });
/// # }
/// ```
///
/// This one cannot be borrowed by what may outlive it:
///
/// ```compile_fail,E0373
/// # async fn example(mut tx: saas_core::TenantTx) {
/// tokio::spawn(async { sqlx::query("select 1").execute(&mut *tx).await });
/// # }
/// ```
///
/// # Security
///
/// SQL of your own must not set `saas.tenant_id`: that is the one thing between tenants that a statement could change. Write queries as
/// literals with parameters; `testing::isolation::setters` finds those that set it (T31). In a [sealed](Db::seal) database nobody's statement can.
pub struct TenantTx {
    transaction: OpenTransaction,
    tenant: Option<TenantId>,
    user: Option<UserId>,
    origin: Origin,
    clock: Clock,
    claim: Option<Claim>,
}

impl TenantTx {
    /// Makes it all happen. Dropping the transaction instead undoes it.
    ///
    /// # Errors
    ///
    /// Fails if the server does not confirm; a deferred constraint may be the reason.
    pub async fn commit(mut self) -> Result<(), DbError> {
        let Some(claim) = self.claim.take() else { return self.transaction.commit().await };
        // The answer belongs to the work: both are committed when it is known. What a commit would refuse is refused now.
        sqlx::raw_sql("set constraints all immediate").execute(&mut *self).await?;
        claim.done(self);
        Ok(())
    }

    pub(crate) fn keyed(mut self, claim: Claim) -> Self {
        self.claim = Some(claim);
        self
    }

    /// The tenant whose rows it sees; none before a tenant is known.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// The person who acts.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// Where its changes come from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The time, to bind where a row wants one.
    #[must_use]
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }
}

impl Deref for TenantTx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for TenantTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl fmt::Debug for TenantTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantTx").field("tenant", &self.tenant).field("user", &self.user).finish_non_exhaustive()
    }
}
