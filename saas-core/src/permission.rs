//! Permissions as types: a handler's signature says what it takes to call it.

mod condition;
mod reach;
mod resource;

use std::{marker::PhantomData, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{Access, Actor, Declares, Problem, TenantId, UserId};

use condition::lacks;

pub use condition::{Conditions, PlanFeatures};
pub use reach::{Reached, Reaching, Within};
pub use resource::{Resource, ShareLevel};

/// Something that a member of a tenant may be allowed to do. Declared with [`permissions!`](crate::permissions).
pub trait Permission: Send + Sync + 'static {
    /// Its name in roles, scopes and documents: `crate.noun.verb`.
    const NAME: &'static str;
}

/// Declares permissions.
///
/// ```
/// use saas_core::Permission as _;
///
/// saas_core::permissions! {
///     /// See devices.
///     pub DeviceRead = "monitoring.device.read";
/// }
/// assert_eq!(DeviceRead::NAME, "monitoring.device.read");
/// ```
#[macro_export]
macro_rules! permissions {
    ($($(#[$meta:meta])* $vis:vis $name:ident = $text:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        $vis struct $name;

        impl $crate::Permission for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

/// What the caller is inside the tenant of the request. Put there by a tenancy layer, after it checked membership.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The tenant.
    pub tenant: TenantId,
    /// Its short name.
    pub slug: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Who is acting.
    pub actor: Actor,
    /// The role that gave the permissions.
    pub role: Arc<str>,
    /// The permissions, by name.
    pub permissions: Arc<[&'static str]>,
    /// [What is kept](crate::Revised) of the tenant is what counts if it is of this revision; nothing of it if there is none.
    pub revision: Option<i64>,
}

impl Standing {
    /// Whether `P` is held.
    #[must_use]
    pub fn may<P: Permission>(&self) -> bool {
        self.permissions.contains(&P::NAME)
    }
}

impl Standing {
    fn of(parts: &Parts) -> Result<&Self, Problem> {
        parts.extensions.get::<Self>().ok_or_else(|| Problem::missing_layer("one that finds the tenant"))
    }
}

/// For what belonging alone gives a right to. An API key belongs nowhere: it is let through by a permission ([`Can`]), or not at all (403).
impl<S: Send + Sync> FromRequestParts<S> for Standing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let standing = Self::of(parts)?;
        if matches!(standing.actor, Actor::Key(_)) { Err(Problem::forbidden()) } else { Ok(standing.clone()) }
    }
}

impl Declares for Standing {
    fn access() -> Access {
        Access::member()
    }
}

/// The person who is acting in the tenant of the request, signed in or through a program that holds a token of theirs; 403 for anything that is
/// no person. For what is a person's own there, such as what they were told.
///
/// ```
/// use saas_core::CurrentMember;
///
/// async fn greet(CurrentMember(user): CurrentMember) -> String {
///     format!("Hello, {user}")
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CurrentMember(pub UserId);

impl<S: Send + Sync> FromRequestParts<S> for CurrentMember {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Standing::of(parts)?.actor {
            Actor::User(user) => Ok(Self(user)),
            _ => Err(Problem::forbidden()),
        }
    }
}

impl Declares for CurrentMember {
    fn access() -> Access {
        Access::member()
    }
}

/// The tenant that a page shows around itself which belongs to none: where its reader works. Unlike [`Standing`] it opens nothing.
#[derive(Debug, Clone)]
pub struct Surroundings(pub Standing);

/// Proof that the caller holds `P` in the tenant of the request, in full: 401, 404, 403 or, where `P` takes a feature that the plan does not have, 402,
/// before anything else is read. For what is held for some things alone there are [`Reached`] and [`Reaching`].
#[derive(Debug, Clone)]
pub struct Can<P> {
    standing: Standing,
    permission: PhantomData<fn() -> P>,
}

impl<P> Can<P> {
    /// Who is acting.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.standing.actor
    }

    /// The caller's whole standing, for example to offer only what they may do.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for Can<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let standing = Standing::of(parts)?;
        if !standing.may::<P>() {
            return Err(lacks::<P>());
        }
        Conditions::of(parts).check_plan::<P>(standing).await?;
        Ok(Self { standing: standing.clone(), permission: PhantomData })
    }
}

impl<P: Permission> Declares for Can<P> {
    fn access() -> Access {
        Access::permission(P::NAME)
    }
}

/// Proof that the caller holds `P` at least for what they make, so that they may make something. What else they may do with it, [`Reached`] says.
#[derive(Debug, Clone)]
pub struct CanOwn<P> {
    standing: Standing,
    permission: PhantomData<fn() -> P>,
}

impl<P> CanOwn<P> {
    /// Who is acting.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.standing.actor
    }

    /// The caller's standing.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for CanOwn<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (standing, conditions) = (Standing::of(parts)?, Conditions::of(parts));
        if !standing.may::<P>() && !conditions.may_own::<P>() {
            return Err(lacks::<P>());
        }
        conditions.check_plan::<P>(standing).await?;
        Ok(Self { standing: standing.clone(), permission: PhantomData })
    }
}

impl<P: Permission> Declares for CanOwn<P> {
    fn access() -> Access {
        Access::in_part(P::NAME)
    }
}
