//! The product, as the suite of attacks wants it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use monitoring::server::MATRIX;
use saas_core::{
    RouteInfo, TenantId,
    testing::isolation::{Actor, Demand, IsolationError, Part, Request, Stage},
};
use saas_tenancy::Roles;

use super::{
    actors::{self, Kind, Scene},
    audited::TELEMETRY,
    demand,
};
use crate::app::App;

/// What asks for no permission, and why belonging to the organization is enough. A path stands for all that begin with it.
const OPEN: &[(&str, &str)] = &[
    ("/live", "it says that something changed, and what that is, is asked for then"),
    ("/notifications", "what people are told is their own"),
    ("/api/v1/notifications", "what people are told is their own"),
    ("/start", "everybody has first steps of their own; what each takes is asked for inside"),
    ("/api/v1/onboarding", "everybody has first steps of their own; what each takes is asked for inside"),
    ("/members/leave", "everybody may leave"),
    ("/members/{user}/remove", "everybody may leave; for another the permission is asked for inside"),
    ("/api/v1/members/{user}", "everybody may leave; for another the permission is asked for inside"),
];

pub(super) struct Staged<'a> {
    app: &'a App,
    scene: Scene,
    callers: Vec<Actor>,
}

impl<'a> Staged<'a> {
    pub(super) async fn of(app: &'a App) -> Self {
        let scene = Scene::of(app).await;
        let roles = Roles::new(MATRIX);
        let part = |kind| match kind {
            Kind::Stranger => Part::Stranger,
            Kind::Other | Kind::Operator => Part::Outsider,
            Kind::Role(role) => Part::Member(roles.of(role).iter().copied().collect::<BTreeSet<_>>()),
            Kind::Agent | Kind::AgentKey | Kind::ApiKey | Kind::Token => Part::Program,
        };
        let callers =
            scene.actors.iter().map(|actor| Actor { name: actor.name.to_owned(), part: part(actor.kind), client: actor.client.clone() });
        Self { app, callers: callers.collect(), scene }
    }

    fn known(&self, actor: &Actor) -> &actors::Actor {
        self.scene.actors.iter().find(|known| known.name == actor.name).unwrap()
    }
}

#[async_trait]
impl Stage for Staged<'_> {
    fn actors(&self) -> &[Actor] {
        &self.callers
    }

    fn victim(&self) -> TenantId {
        self.scene.tenant
    }

    fn names(&self) -> Vec<String> {
        vec![self.scene.tenant.to_string(), "canarybird".to_owned()]
    }

    fn gives_away(&self, text: &str, asked: &str) -> Option<String> {
        self.scene.gives_away(text, asked)
    }

    async fn request(&self, route: &RouteInfo, actor: &Actor) -> Result<Request, IsolationError> {
        Ok(self.scene.request(self.app, route, self.known(actor)).await)
    }

    async fn after(&self, route: &RouteInfo, actor: &Actor) {
        self.scene.after(self.app, route, self.known(actor)).await;
    }

    fn demand(&self, route: &RouteInfo, actor: &Actor) -> Demand {
        demand(route, self.known(actor).kind)
    }

    fn open(&self, route: &RouteInfo) -> Option<&'static str> {
        OPEN.iter().find(|(path, _)| route.path.starts_with(path)).map(|(_, reason)| *reason)
    }

    fn telemetry(&self) -> &[&'static str] {
        TELEMETRY
    }
}
