use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::{MatchedPath, Request},
    response::{IntoResponse as _, Response},
};
use futures_core::future::BoxFuture;
use http::{header, request::Parts};
use saas_core::{
    Actor, AgentPrincipal, Conditions, Flags, Membership, Origin, Principal, Problem, ProblemType, SignedIn, Standing, Surroundings,
    TenantDb,
};
use tower::{Layer, Service};

use crate::{
    Role, RoleName, Tenancy, TenantRef,
    active::Followed,
    role::{Permissions, Rights},
};

/// What the tenant of a request is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// To let the request in, or to refuse it.
    Enter,
    /// To show it around a page that does not need it.
    Show,
}

/// Applies [`TenancyService`]. Made by [`Tenancy::layer`] and [`Tenancy::surroundings`].
#[derive(Debug, Clone)]
#[must_use]
pub struct TenancyLayer {
    tenancy: Tenancy,
    purpose: Purpose,
}

impl TenancyLayer {
    pub(crate) fn new(tenancy: Tenancy, purpose: Purpose) -> Self {
        Self { tenancy, purpose }
    }
}

impl<S> Layer<S> for TenancyLayer {
    type Service = TenancyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TenancyService { inner, tenancy: self.tenancy.clone(), purpose: self.purpose }
    }
}

/// Lets a request through with its tenant, or answers with a problem.
#[derive(Debug, Clone)]
pub struct TenancyService<S> {
    inner: S,
    tenancy: Tenancy,
    purpose: Purpose,
}

impl<S> Service<Request> for TenancyService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone has not been polled ready; the original has, so it takes the call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let (tenancy, purpose) = (self.tenancy.clone(), self.purpose);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let entered = tenancy.enter(&mut parts).await;
            let followed = parts.extensions.remove::<Followed>();
            match (purpose, entered) {
                (Purpose::Enter, Ok(Entered { standing, db, conditions, flags })) => {
                    tracing::Span::current().record("tenant.id", tracing::field::display(standing.tenant));
                    parts.extensions.insert(standing);
                    parts.extensions.insert(db);
                    parts.extensions.insert(conditions);
                    drop(flags.map(|flags| parts.extensions.insert(flags)));
                }
                (Purpose::Enter, Err(problem)) => return Ok(problem.into_response()),
                (Purpose::Show, Ok(entered)) => drop(parts.extensions.insert(Surroundings(entered.standing))),
                (Purpose::Show, Err(_)) => {}
            }
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            if let Some(Followed(cookie)) = followed {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        })
    }
}

/// What a request is let in with.
struct Entered {
    standing: Standing,
    db: TenantDb,
    conditions: Conditions,
    /// None where what found the caller does not know the tenant's.
    flags: Option<Flags>,
}

impl Tenancy {
    async fn enter(&self, parts: &mut Parts) -> Result<Entered, Problem> {
        let principal = parts.extensions.get::<Principal>().cloned().ok_or_else(|| Problem::missing_layer("one that authenticates"))?;
        parts.extensions.insert(self.cookie());
        let named = match &principal {
            Principal::User(_) | Principal::Token(_) | Principal::Key(_) | Principal::Agent(_) => {
                match self.inner.resolver.resolve(parts).await? {
                    Some(named) => Some(named),
                    None => self.inner.resolver.choice(parts).await?,
                }
            }
            _ => return Err(Problem::unauthenticated()),
        };
        let read_only = parts.method.is_safe();
        match principal {
            Principal::User(signed_in) => {
                let place = place(&signed_in, named.as_ref())?;
                let db = self.db().tenant(place.id).acting(signed_in.user).caused_by(Origin::of(parts)).read_only(read_only);
                let held = self.held(&db, place).await?;
                let conditions = Conditions { own: held.own, person: Some(signed_in.user), ..self.conditions() };
                let standing = standing(place, Actor::from(&*signed_in), held.permissions);
                Ok(Entered { standing, db, conditions, flags: Some(place.flags.clone()) })
            }
            // A token is bound to one tenant, where it may do what its person may, but for what is withheld from tokens.
            Principal::Token(token) => {
                opens(&token.place, named.as_ref(), parts)?;
                // The program's person signs in anew, and shows one.
                if token.place.second_factor_required {
                    return Err(Problem::new(&ProblemType::SECOND_FACTOR_REQUIRED));
                }
                let db = self.db().tenant(token.place.id).acting(token.user).caused_by(Origin::of(parts)).read_only(read_only);
                let held = self.held(&db, &token.place).await?;
                let left = |held: &Permissions| held.iter().copied().filter(|permission| !token.withheld.contains(permission)).collect();
                let standing = standing(&token.place, Actor::from(&*token), left(&held.permissions));
                let conditions =
                    Conditions { own: left(&held.own), person: Some(token.user), withheld: token.withheld, ..self.conditions() };
                Ok(Entered { standing, db, conditions, flags: Some(token.place.flags.clone()) })
            }
            // A key belongs to one tenant, and may do what its scopes and the role of its maker have in common. Its rows name no person: whoever
            // made the key did not do what is done with it. So nothing is its own, and nothing is shared with it.
            Principal::Key(key) => {
                opens(&key.creator, named.as_ref(), parts)?;
                let db = self.db().tenant(key.tenant()).caused_by(Origin::of(parts)).read_only(read_only);
                let held = self.held(&db, &key.creator).await?;
                let permissions = held.permissions.iter().copied().filter(|permission| key.scopes.contains(permission)).collect();
                let standing = standing(&key.creator, Actor::from(&*key), permissions);
                Ok(Entered { standing, db, conditions: self.conditions(), flags: Some(key.creator.flags.clone()) })
            }
            Principal::Agent(agent) => {
                let standing = self.machine(agent, named.as_ref())?;
                let db = self.db().tenant(agent.tenant).caused_by(Origin::of(parts)).read_only(read_only);
                Ok(Entered { standing, db, conditions: self.conditions(), flags: None })
            }
            _ => Err(Problem::unauthenticated()),
        }
    }

    /// What somebody may do by their role as it is now. The built-in ones are known; one of the organization's own is read for each request, so
    /// that a change of it holds from the next one on.
    async fn held(&self, db: &TenantDb, place: &Membership) -> Result<Rights, Problem> {
        if let Ok(built_in) = place.role.parse::<Role>() {
            return Ok(Rights::built_in(&self.inner.roles, built_in));
        }
        let mut tx = db.clone().read_only(true).begin().await?;
        Ok(self.inner.roles.held_in(&mut tx, &RoleName::from(place.role.clone())).await?)
    }

    /// What is so for everybody: nothing is their own, and what takes a feature of the plan takes it.
    fn conditions(&self) -> Conditions {
        Conditions { features: self.inner.roles.shared_features(), plan: self.plan().cloned(), ..Conditions::default() }
    }

    /// A machine belongs to one tenant; a request that names another is not its to make.
    fn machine(&self, agent: AgentPrincipal, named: Option<&TenantRef>) -> Result<Standing, Problem> {
        if named.is_some_and(|named| !named.is_id(agent.tenant)) {
            return Err(Problem::not_found());
        }
        Ok(Standing {
            tenant: agent.tenant,
            slug: Arc::from(""),
            name: Arc::from(""),
            actor: Actor::from(&agent),
            role: Arc::from("agent"),
            permissions: self.inner.roles.of_agents(),
            revision: None,
        })
    }
}

/// Where a person is to act; 404 where they do not belong.
fn place<'a>(signed_in: &'a SignedIn, named: Option<&TenantRef>) -> Result<&'a Membership, Problem> {
    let Some(named) = named else {
        return Err(Problem::new(&ProblemType::NO_TENANT).instead("/organizations"));
    };
    let membership = signed_in.memberships.iter().find(|membership| named.is(membership)).ok_or_else(Problem::not_found)?;
    if membership.second_factor_required && !signed_in.second_factor {
        return Err(Problem::new(&ProblemType::SECOND_FACTOR_REQUIRED).first("/account/security"));
    }
    Ok(membership)
}

/// What a program shows opens the API of one tenant, and no pages.
fn opens(place: &Membership, named: Option<&TenantRef>, parts: &Parts) -> Result<(), Problem> {
    if named.is_some_and(|named| !named.is(place)) {
        return Err(Problem::not_found());
    }
    // The route, because inside a nested router the beginning of the path is gone.
    if !parts.extensions.get::<MatchedPath>().is_some_and(|path| path.as_str().starts_with("/api/")) {
        return Err(Problem::forbidden().detail("keys and tokens open the API and no pages"));
    }
    Ok(())
}

fn standing(place: &Membership, actor: Actor, permissions: Permissions) -> Standing {
    Standing {
        tenant: place.id,
        slug: place.slug.as_str().into(),
        name: place.name.as_str().into(),
        actor,
        role: place.role.as_str().into(),
        permissions,
        revision: place.revision,
    }
}
