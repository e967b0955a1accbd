//! T56, T57, T62, T64–T66, T73 and more: every route, called by everybody who could try.

mod answer;
mod guess;
mod matrix;
mod request;
mod stage;
mod value;

use std::time::Instant;

use sqlx::{Connection as _, PgConnection};

pub use matrix::Matrix;
pub use request::{Body, Request};
pub use stage::{Actor, Demand, Part, Stage};

pub(super) use guess::{Guess, Hints};

use super::{IsolationError, Report, catalogue::Catalogue, marks::Watch, refused};
use crate::{
    Caller, RouteInfo,
    testing::{Answer, TestDb},
};
use answer::{Names, essence, is_shared, tag};
use request::unlike;

/// What callers might name a tenant by, in a header.
const HEADERS: &[&str] = &["x-organization", "x-organization-id", "x-org", "x-tenant", "x-tenant-id", "x-workspace"];

/// The same in a body or a query.
const FIELDS: &[&str] = &["tenant_id", "tenant", "organization_id", "organization", "org_id"];

/// Calls every route as everybody who could try, with what belongs to the tenant that is attacked and with what never was, and looks for what
/// answers give away and for what has changed.
///
/// [`Suite`](super::Suite) does so on a stage of its own making; this is for applications that make theirs.
///
/// # Errors
///
/// Fails if a request cannot be made; what got through is in the report.
pub async fn attack_routes(test: &TestDb, routes: &[RouteInfo], stage: &dyn Stage) -> Result<Report, IsolationError> {
    let mut superuser = PgConnection::connect(test.database.superuser_url().expose()).await.map_err(refused("let the superuser in"))?;
    let login = url::Url::parse(test.database.logins().app.expose()).map(|url| url.username().to_owned()).unwrap_or_default();
    let catalogue = Catalogue::read(&mut superuser, &login).await?;
    let watch = Watch::over(&catalogue, stage.victim(), stage.telemetry());
    let started = Instant::now();
    let report = Report { matrix: Some(Matrix::new(stage.actors().iter().map(|actor| actor.name.clone()))), ..Report::default() };
    let mut assault = Assault { stage, superuser, watch, names: Names::of(&catalogue), report, has_shown: false };
    for route in routes {
        assault.on(route).await?;
    }
    if !assault.has_shown && routes.iter().any(|route| route.access.caller == Caller::Member && route.method.is_safe()) {
        assault.report.breach(
            "control",
            "all routes",
            "no member was shown anything by which their tenant is known, so its absence proves nothing",
        );
    }
    assault.report.took = started.elapsed();
    Ok(assault.report)
}

struct Assault<'a> {
    stage: &'a dyn Stage,
    superuser: PgConnection,
    watch: Watch,
    names: Names,
    report: Report,
    /// Whether a member saw something of their own tenant.
    has_shown: bool,
}

/// The route that is attacked.
struct Target<'a> {
    route: &'a RouteInfo,
    name: String,
}

impl Assault<'_> {
    async fn on(&mut self, route: &RouteInfo) -> Result<(), IsolationError> {
        let target = Target { route, name: format!("{} {}", route.method, route.path) };
        self.report.routes.push(target.name.clone());
        if let Some(matrix) = &mut self.report.matrix {
            matrix.row(target.name.clone());
        }
        if route.access.caller == Caller::Member && route.access.permissions.is_empty() && self.stage.open(route).is_none() {
            self.report.breach("DX-06", &target.name, "it asks for no permission, so that whoever belongs to the tenant may call it");
        }
        let stage = self.stage;
        // One who may is enough to see a read that writes.
        let reader = stage.actors().iter().position(|actor| actor.part.may(route)).filter(|_| route.method.is_safe());
        for (at, actor) in stage.actors().iter().enumerate() {
            let request = stage.request(route, actor).await?;
            let demand = stage.demand(route, actor);
            let is_watched = actor.part.is_foreign() || Some(at) == reader;
            let before = if is_watched { self.watch.look(&mut self.superuser).await? } else { Vec::new() };
            let answer = self.send(&target, actor, &request).await;
            if let Some(matrix) = &mut self.report.matrix {
                matrix.cell(answer.status);
            }
            if actor.part.is_foreign() {
                self.shows_nothing("T64", &target, actor, &request, &answer);
            }
            if is_watched {
                let attack = if actor.part.is_foreign() { "T64" } else { "get-writes" };
                self.unchanged(attack, &target, actor, &request, before).await?;
            }
            if actor.part == Part::Outsider {
                self.as_outsider(&target, actor, &request, demand, &answer).await?;
            } else {
                self.is_met(&target, actor, &request, demand, &answer);
            }
        }
        Ok(())
    }

    async fn send(&mut self, target: &Target<'_>, actor: &Actor, request: &Request) -> Answer {
        self.report.attacks += 1;
        let answer = request.send(&actor.client, target.route).await;
        self.stage.after(target.route, actor).await;
        self.tells_nothing(target, actor, request, &answer);
        answer
    }

    /// What no answer does, whoever asked.
    fn tells_nothing(&mut self, target: &Target<'_>, actor: &Actor, request: &Request, answer: &Answer) {
        let who = &actor.name;
        if answer.status.is_server_error() {
            self.report.breach("server-error", &target.name, format!("{} to {who} for {request}", answer.status));
        }
        if let Some(told) = self.names.told(answer) {
            self.report.breach("error-text", &target.name, format!("a refusal of {who} says {told:?}: {}", answer.text()));
        }
        let is_somebodys = !matches!(target.route.access.caller, Caller::Public | Caller::Provider);
        if let Some(shared) = is_shared(answer).filter(|_| is_somebodys && answer.status.is_success()) {
            self.report.breach("T62", &target.name, format!("a cache may keep the answer to {who} for others: {shared}"));
        }
    }

    fn is_met(&mut self, target: &Target<'_>, actor: &Actor, request: &Request, demand: Demand, answer: &Answer) {
        if !demand.is_met(answer.status) {
            // Who may and could not has shown nothing of the others.
            let attack = if demand == Demand::Done { "control" } else { "T64" };
            let what = format!("{} answered {} for {request} instead of {demand:?}: {}", actor.name, answer.status, answer.text());
            self.report.breach(attack, &target.name, what);
        }
    }

    fn shows_nothing(&mut self, attack: &'static str, target: &Target<'_>, actor: &Actor, request: &Request, answer: &Answer) {
        let headers = answer.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let asked = request.to_string();
        for text in std::iter::once(answer.text()).chain(headers) {
            // What was sent may come back.
            if let Some(mark) = self.stage.gives_away(&text, &asked) {
                self.report.breach(attack, &target.name, format!("{} was shown {mark:?} for {request}", actor.name));
                return;
            }
        }
    }

    /// What the tenant has now, which is what it had before.
    async fn unchanged(
        &mut self,
        attack: &'static str,
        target: &Target<'_>,
        actor: &Actor,
        request: &Request,
        before: Vec<(String, String)>,
    ) -> Result<Vec<(String, String)>, IsolationError> {
        let after = self.watch.look(&mut self.superuser).await?;
        for ((table, old), (_, new)) in before.iter().zip(&after) {
            if old != new {
                let what = format!("{} changed what the tenant has in {table} with {request}", actor.name);
                self.report.breach(attack, &target.name, what);
            }
        }
        Ok(after)
    }

    /// What only somebody of another tenant tries. A route that gave way is not tried further, which would say the same again.
    async fn as_outsider(
        &mut self,
        target: &Target<'_>,
        actor: &Actor,
        request: &Request,
        demand: Demand,
        answer: &Answer,
    ) -> Result<(), IsolationError> {
        let route = target.route;
        if !self.holds(target) {
            return Ok(());
        }
        let names_nothing = !route.path.contains('{') || demand == Demand::Status(404);
        if let Some((other, exchanged)) = request.on_nothing(route).filter(|_| names_nothing) {
            let unknown = self.send(target, actor, &other).await;
            let theirs = essence(answer, exchanged.iter().map(|(old, _)| old));
            let nobodys = essence(&unknown, exchanged.iter().map(|(_, new)| new));
            if theirs != nobodys {
                let what = format!("{request} is answered\n{theirs}\n    and what never was\n{nobodys}");
                self.report.breach("T57", &target.name, what);
                return Ok(());
            }
        }
        self.is_met(target, actor, request, demand, answer);
        if route.access.caller != Caller::Member {
            return Ok(());
        }
        self.after_its_owner(target, actor, request, answer).await?;
        if self.holds(target) {
            self.naming_the_tenant(target, actor, request).await?;
        }
        for broken in request.broken(route) {
            self.send(target, actor, &broken).await;
        }
        // What is made twice may run into itself.
        if matches!(request.body, Body::Json(_)) {
            self.send(target, actor, request).await;
        }
        Ok(())
    }

    /// Whether nothing of another tenant's has come through a route so far.
    fn holds(&self, target: &Target<'_>) -> bool {
        let is_given = |attack: &str| matches!(attack, "T57" | "T64" | "T73");
        !self.report.breaches.iter().any(|breach| breach.place == target.name && is_given(breach.attack))
    }

    /// T73: once the owner has asked for it, somebody else is answered as before. T62: their caches do not take one for the other.
    async fn after_its_owner(
        &mut self,
        target: &Target<'_>,
        actor: &Actor,
        request: &Request,
        cold: &Answer,
    ) -> Result<(), IsolationError> {
        let (route, stage) = (target.route, self.stage);
        let Some(member) = stage.actors().iter().find(|actor| actor.part.may(route)).filter(|_| route.method.is_safe()) else {
            return Ok(());
        };
        let own = self.send(target, member, request).await;
        self.has_shown |= stage.gives_away(&own.text(), "").is_some();
        let warm = self.send(target, actor, request).await;
        let nothing: [&str; 0] = [];
        if essence(&warm, nothing) != essence(cold, nothing) {
            let what = format!("{request} is answered {} after its owner asked, and {} before", warm.status, cold.status);
            self.report.breach("T73", &target.name, what);
        }
        self.shows_nothing("T73", target, actor, request, &warm);
        if let (Some(one), Some(other)) = (tag(&own), tag(&warm))
            && one == other
            && own.body != warm.body
        {
            self.report.breach("T62", &target.name, format!("different answers to two tenants bear the same ETag {one}"));
        }
        Ok(())
    }

    /// T66, T65: in a header, in the body or the query.
    async fn naming_the_tenant(&mut self, target: &Target<'_>, actor: &Actor, request: &Request) -> Result<(), IsolationError> {
        let before = self.watch.look(&mut self.superuser).await?;
        for name in self.stage.names() {
            let mut answers = Vec::new();
            for named in [&name, &unlike(&name)] {
                let client = HEADERS.iter().fold(actor.client.clone(), |client, header| client.with(header, named));
                let naming = Actor { client, ..actor.clone() };
                let answer = self.send(target, &naming, request).await;
                self.shows_nothing("T66", target, actor, request, &answer);
                answers.push(essence(&answer, [named]));
            }
            if let [theirs, nobodys] = answers.as_slice()
                && theirs != nobodys
            {
                let what =
                    format!("{request}, where a header names {name}, is answered\n{theirs}\n    and where it names nothing\n{nobodys}");
                self.report.breach("T66", &target.name, what);
            }
        }
        let before = self.unchanged("T66", target, actor, request, before).await?;
        let victim = self.stage.victim().to_string();
        for naming in request.naming(FIELDS, &victim) {
            let answer = self.send(target, actor, &naming).await;
            self.shows_nothing("T65", target, actor, &naming, &answer);
        }
        self.unchanged("T65", target, actor, request, before).await?;
        Ok(())
    }
}
