//! Permissions that are held for some of the things that there are. Who holds one in full reaches all of a kind; whoever holds it for their own, or has
//! something shared with them, reaches that. What a handler works with comes from here, in the transaction in which it was looked at.

use std::{fmt, marker::PhantomData};

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Conditions, Permission, Resource, ShareLevel, Standing, condition::lacks};
use crate::{Access, Actor, Declares, Operation, Problem, ProblemType, TenantDb, TenantTx, UserId};

/// The caller's part in what `P` is held for.
#[derive(Debug, Clone)]
struct Reach {
    standing: Standing,
    conditions: Conditions,
    db: TenantDb,
}

/// Whom what is not held in full is looked for.
#[derive(Debug, Clone, Copy)]
struct Partly {
    person: UserId,
    /// Whether what they made counts.
    own: bool,
    /// The least share that counts; none where no share does.
    level: Option<ShareLevel>,
}

impl Reach {
    async fn of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let db = TenantDb::from_request_parts(parts, state).await?;
        Ok(Self { standing: Standing::of(parts)?.clone(), conditions: Conditions::of(parts), db })
    }

    /// None where `P` is held in full; whatever is no person holds it so, or not at all.
    fn partly<P: Permission, R: Resource>(&self) -> Result<Option<Partly>, Problem> {
        if self.standing.may::<P>() {
            return Ok(None);
        }
        let person = self.conditions.person.ok_or_else(lacks::<P>)?;
        let level = ShareLevel::least::<R>(P::NAME).filter(|_| !self.conditions.withheld.contains(&P::NAME));
        Ok(Some(Partly { person, own: self.conditions.may_own::<P>(), level }))
    }
}

/// One thing, named by `{id}` in the path, for which the caller holds `P`: in full, because they made it, or because it was shared with them.
///
/// Its id comes out of [`begin`](Self::begin) alone, together with the transaction in which that was looked at: what was shared stays shared until it
/// ends, so there is no moment between the look and the work.
///
/// ```
/// # use saas_core::{NoContent, Permission, Problem, Reached, Resource};
/// async fn remove<P: Permission, Report: Resource>(report: Reached<P, Report>) -> Result<NoContent, Problem> {
///     let (mut tx, id) = report.begin().await?;
///     // … delete it …
/// #   let (_, _) = (&mut tx, id);
///     tx.commit().await?;
///     Ok(NoContent)
/// }
/// ```
pub struct Reached<P, R: Resource> {
    id: R::Id,
    reach: Reach,
    permission: PhantomData<fn() -> P>,
}

/// What was found of a thing that the caller does not hold everything for.
#[derive(FromRow)]
struct Found {
    is_own: bool,
    level: Option<String>,
}

impl<P: Permission, R: Resource> Reached<P, R> {
    /// Opens a transaction in which the caller holds `P` for the thing, and says which it is.
    ///
    /// For whoever holds `P` in full it is not looked at, so the handler's own statement says whether it is there.
    ///
    /// # Errors
    ///
    /// 404 if it is not there or not the caller's to see, 403 if it is and `P` is missing, 402 if the plan does not have what `P` takes.
    pub async fn begin(&self) -> Result<(TenantTx, R::Id), Problem> {
        let partly = self.reach.partly::<P, R>()?;
        let plan = self.reach.conditions.check_plan::<P>(&self.reach.standing).await;
        let mut tx = self.reach.db.begin().await?;
        if let Some(partly) = partly {
            self.look(&mut tx, partly).await?;
        }
        plan?;
        Ok((tx, self.id))
    }

    async fn look(&self, tx: &mut TenantTx, Partly { person, own, level }: Partly) -> Result<(), Problem> {
        let found = found_in::<R>(tx, self.reach.db.is_read_only(), self.id.into(), person).await?.ok_or_else(Problem::not_found)?;
        let shared = found.level.as_deref().map(ShareLevel::stored);
        if (own && found.is_own) || level.is_some_and(|least| shared.is_some_and(|shared| shared >= least)) {
            return Ok(());
        }
        let (standing, conditions) = (&self.reach.standing, &self.reach.conditions);
        let is_seen = R::VIEW.iter().any(|view| standing.permissions.contains(view) || (found.is_own && conditions.own.contains(view)));
        if is_seen || shared.is_some() { Err(lacks::<P>()) } else { Err(Problem::not_found()) }
    }

    /// Who is acting.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.reach.standing.actor
    }

    /// The caller's standing, for example to offer only what they may do.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.reach.standing
    }

    /// What the caller holds on a condition.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.reach.conditions
    }

    /// Whether the caller holds another permission for the thing of this transaction, for example to offer only what they may do with it.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn also_in<Q: Permission>(&self, tx: &mut TenantTx) -> Result<bool, Problem> {
        let Ok(partly) = self.reach.partly::<Q, R>() else { return Ok(false) };
        let Some(Partly { person, own, level }) = partly else { return Ok(true) };
        let found = found_in::<R>(tx, true, self.id.into(), person).await?;
        let shared = |found: &Found| found.level.as_deref().map(ShareLevel::stored);
        Ok(found.is_some_and(|it| (own && it.is_own) || level.is_some_and(|least| shared(&it).is_some_and(|level| level >= least))))
    }
}

/// Whether a thing is somebody's own and how far it is shared with them; none if it is not there. What is found stays so until the transaction ends,
/// unless that only reads.
async fn found_in<R: Resource>(tx: &mut TenantTx, read_only: bool, id: Uuid, person: UserId) -> Result<Option<Found>, Problem> {
    let tenant = tx.tenant().map(Uuid::from);
    let mut query = QueryBuilder::<Postgres>::new("with shared as (select level from core.share where tenant_id = ");
    query.push_bind(tenant).push(" and kind = ").push_bind(R::KIND).push(" and resource_id = ").push_bind(id);
    query.push(" and user_id = ").push_bind(Uuid::from(person));
    // Whoever takes it back waits for what is done by it, and so does whoever does the same again: what is removed takes its shares along.
    query.push(if read_only { ")" } else { " for no key update)" });
    match R::AUTHOR {
        Some(author) => {
            query.push(" select coalesce(thing.").push(author).push(" = ").push_bind(Uuid::from(person)).push(", false) as is_own")
        }
        None => query.push(" select false as is_own"),
    };
    query.push(", (select level from shared) as level from ").push(R::TABLE).push(" thing where thing.tenant_id = ").push_bind(tenant);
    query.push(" and thing.id = ").push_bind(id);
    Ok(query.build_query_as().fetch_optional(&mut **tx).await?)
}

impl<S: Send + Sync, P: Permission, R: Resource> FromRequestParts<S> for Reached<P, R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let reach = Reach::of(parts, state).await?;
        // Whoever is no person is told before anything is read.
        reach.partly::<P, R>()?;
        let path = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        let id = path.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| id.parse().ok()).ok_or_else(Problem::not_found)?;
        Ok(Self { id, reach, permission: PhantomData })
    }
}

impl<P: Permission, R: Resource> Declares for Reached<P, R> {
    fn access() -> Access {
        Access::in_part(P::NAME)
    }

    fn describe(operation: &mut Operation) {
        operation.path::<R::Id>();
        TenantDb::describe(operation);
    }
}

impl<P, R: Resource> fmt::Debug for Reached<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reached").field("kind", &R::KIND).field("actor", &self.reach.standing.actor).finish_non_exhaustive()
    }
}

/// The things for which the caller holds `P`: all of a kind, or those that are their own or were shared with them, or none. For lists.
///
/// ```
/// # use saas_core::{List, Listed, Permission, Problem, Reaching, Resource, Wanted};
/// async fn list<P: Permission, R: Resource, Report>(reports: Reaching<P, R>, wanted: Wanted<Report>) -> Result<List<Report>, Problem>
/// where
///     Report: Listed + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
/// {
///     let (mut tx, within) = reports.begin().await?;
///     let mut query = wanted.query("select r.id, r.name from report r where r.tenant_id = ");
///     query.push_bind(tx.tenant());
///     within.push(&mut query, "r");
///     Ok(wanted.fetch(&mut tx, query).await?)
/// }
/// ```
#[derive(Debug)]
pub struct Reaching<P, R> {
    reach: Reach,
    of: PhantomData<fn() -> (P, R)>,
}

/// A condition that the query of a list must have.
#[derive(Debug)]
#[must_use = "a list that does not take it shows everything to whoever may see some of it"]
pub struct Within<R> {
    partly: Option<Partly>,
    of: PhantomData<fn() -> R>,
}

impl<P: Permission, R: Resource> Reaching<P, R> {
    /// Opens a transaction, with the condition for its query.
    ///
    /// # Errors
    ///
    /// 402 if the plan does not have what `P` takes; fails if the database does.
    pub async fn begin(&self) -> Result<(TenantTx, Within<R>), Problem> {
        let partly = self.reach.partly::<P, R>()?;
        self.reach.conditions.check_plan::<P>(&self.reach.standing).await?;
        Ok((self.reach.db.begin().await?, Within { partly, of: PhantomData }))
    }

    /// The caller's standing.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.reach.standing
    }

    /// What the caller holds on a condition.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.reach.conditions
    }

    /// The same things for another permission, for example to say with each what may be done with it.
    ///
    /// # Errors
    ///
    /// 403 for whatever is no person and does not hold it.
    pub fn within<Q: Permission>(&self) -> Result<Within<R>, Problem> {
        Ok(Within { partly: self.reach.partly::<Q, R>()?, of: PhantomData })
    }
}

impl<R: Resource> Within<R> {
    /// Whether it is everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.partly.is_none()
    }

    /// Adds ` and (…)` to a query in which `alias` is the thing's table.
    pub fn push(&self, query: &mut QueryBuilder<Postgres>, alias: &'static str) {
        query.push(" and ");
        self.push_condition(query, alias);
    }

    /// Adds the condition alone, for example as a column that says what may be done with each.
    pub fn push_condition(&self, query: &mut QueryBuilder<Postgres>, alias: &'static str) {
        let Some(Partly { person, own, level }) = self.partly else {
            query.push("true");
            return;
        };
        query.push("(false");
        if let (true, Some(author)) = (own, R::AUTHOR) {
            query.push(" or ").push(alias).push(".").push(author).push(" = ").push_bind(Uuid::from(person));
        }
        if let Some(least) = level {
            query.push(" or exists (select from core.share where share.tenant_id = ").push(alias).push(".tenant_id and share.kind = ");
            query.push_bind(R::KIND).push(" and share.resource_id = ").push(alias).push(".id and share.user_id = ");
            query.push_bind(Uuid::from(person));
            if least == ShareLevel::Edit {
                query.push(" and share.level = 'edit'");
            }
            query.push(")");
        }
        query.push(")");
    }
}

impl<S: Send + Sync, P: Permission, R: Resource> FromRequestParts<S> for Reaching<P, R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let reach = Reach::of(parts, state).await?;
        reach.partly::<P, R>()?;
        Ok(Self { reach, of: PhantomData })
    }
}

impl<P: Permission, R: Resource> Declares for Reaching<P, R> {
    fn access() -> Access {
        Access::in_part(P::NAME)
    }

    fn describe(operation: &mut Operation) {
        operation.problem(&ProblemType::NO_TENANT);
    }
}
