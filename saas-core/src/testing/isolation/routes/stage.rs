use std::collections::BTreeSet;

use async_trait::async_trait;
use http::{Method, StatusCode};

use super::Request;
use crate::{Caller, RouteInfo, TenantId, testing::TestClient, testing::isolation::IsolationError};

/// Somebody who calls an application.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What the matrix calls them.
    pub name: String,
    /// What they are to the tenant that is attacked.
    pub part: Part,
    /// With what they call.
    pub client: TestClient,
}

/// What somebody is to the tenant that is attacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Nobody that the application knows.
    Stranger,
    /// Somebody who may do everything in another tenant.
    Outsider,
    /// Somebody in the tenant, with what they may do there.
    Member(BTreeSet<&'static str>),
    /// A program or a machine of the tenant: what it may do, the stage [says](Stage::demand).
    Program,
}

impl Part {
    /// Whether nothing of the tenant's is theirs to know.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self, Self::Stranger | Self::Outsider)
    }

    /// Whether it is a member who may call a route.
    pub(super) fn may(&self, route: &RouteInfo) -> bool {
        matches!(self, Self::Member(held) if route.access.permissions.is_subset(held))
    }
}

/// What a route's access demands of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// This status.
    Status(u16),
    /// Neither 401, 403, 404, 405 nor a failure.
    Allowed,
    /// It is done: a status below 400.
    Done,
    /// Anything but a failure.
    Any,
}

impl Demand {
    pub(super) fn is_met(self, status: StatusCode) -> bool {
        match self {
            Self::Status(wanted) => status == wanted,
            Self::Allowed => !matches!(status.as_u16(), 401 | 403 | 404 | 405 | 500..),
            Self::Done => status.as_u16() < 400,
            Self::Any => !status.is_server_error(),
        }
    }

    /// What the access of a route demands, where a stage does not say otherwise.
    #[must_use]
    pub fn of(route: &RouteInfo, part: &Part) -> Self {
        match (route.access.caller, part) {
            (Caller::Public | Caller::Provider, _) => Self::Any,
            // Nobody who calls runs the product.
            (Caller::Operator, _) => Self::Status(404),
            (_, Part::Stranger) => Self::of_stranger(route),
            (Caller::Agent, _) | (_, Part::Program) => Self::Any,
            (_, Part::Outsider) if route.path.contains('{') => Self::Status(404),
            (Caller::Member, Part::Member(held)) if !part.may(route) => {
                // What is held for some things alone may be enough: that is between the caller and the thing.
                let lacks_in_full = route.access.permissions.difference(held).any(|it| !route.access.in_part.contains(it));
                if lacks_in_full { Self::Status(403) } else { Self::Any }
            }
            _ => Self::Allowed,
        }
    }

    /// Whoever nobody knows is led to sign in where they asked for a page.
    #[must_use]
    pub fn of_stranger(route: &RouteInfo) -> Self {
        let is_page = route.method == Method::GET && !route.path.starts_with("/api/") && route.path != "/live";
        Self::Status(if is_page { 303 } else { 401 })
    }
}

/// An application with everybody who calls it: what cannot be read from its routes. [`Suite`](crate::testing::isolation::Suite) makes one by
/// itself; an application with much that cannot be guessed brings its own.
#[async_trait]
pub trait Stage: Send + Sync {
    /// Everybody who calls, an outsider and members among them.
    fn actors(&self) -> &[Actor];

    /// The tenant that is attacked.
    fn victim(&self) -> TenantId;

    /// By what a request can name the tenant: its id, and a short name if it has one.
    fn names(&self) -> Vec<String> {
        vec![self.victim().to_string()]
    }

    /// What of the victim's stands in a text, and did not stand in what was asked.
    fn gives_away(&self, text: &str, asked: &str) -> Option<String>;

    /// A good request to a route, on something of the victim's that is there.
    async fn request(&self, route: &RouteInfo, actor: &Actor) -> Result<Request, IsolationError>;

    /// Puts in order again what somebody's call of a route may have ended, such as their session.
    async fn after(&self, _route: &RouteInfo, _actor: &Actor) {}

    /// What is demanded of an answer, where the route's access does not say it all.
    fn demand(&self, route: &RouteInfo, actor: &Actor) -> Demand {
        Demand::of(route, &actor.part)
    }

    /// Why belonging to the tenant is enough to call a route that asks for no permission.
    fn open(&self, _route: &RouteInfo) -> Option<&'static str> {
        None
    }

    /// Columns that change with use, which are no attack's.
    fn telemetry(&self) -> &[&'static str] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Access;

    /// RBA-03.
    #[test]
    fn what_is_held_for_some_things_may_be_enough_and_what_is_not_held_is_not() {
        let route = |access| RouteInfo { method: Method::GET, path: "/notes".to_owned(), access, alias_of: None };
        let member = |held: &[&'static str]| Part::Member(held.iter().copied().collect());
        for (access, held, demanded) in [
            (Access::permission("note.read"), ["note.read"].as_slice(), Demand::Allowed),
            (Access::permission("note.read"), &["note.write"], Demand::Status(403)),
            (Access::in_part("note.read"), &[], Demand::Any),
            (Access::in_part("note.read").and(Access::permission("note.write")), &["note.read"], Demand::Status(403)),
            (Access::in_part("note.read").and(Access::permission("note.write")), &["note.write"], Demand::Any),
        ] {
            assert_eq!(Demand::of(&route(access.clone()), &member(held)), demanded, "{held:?} for {access:?}");
        }
    }
}
