//! A stage that is made from the catalogue and the OpenAPI document.

use std::{collections::BTreeMap, net::Ipv4Addr};

use async_trait::async_trait;
use http::Method;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::sync::Mutex;

use super::{Actor, Body, Demand, Part, Request, Stage, value::Values};
use crate::{
    Caller, Document, RouteInfo, TenantId,
    testing::{
        TestDb,
        isolation::{
            Cast, IsolationError, Seed, Side,
            catalogue::{Catalogue, Table},
            fill::{self, Filled, insert},
            marks::Marks,
            refused,
        },
    },
};

/// How often a row like the first one is tried, whose guessed values may collide.
const TRIES: usize = 10;

/// What cannot be guessed, as the caller of the suite says it.
#[derive(Debug, Default)]
pub(in super::super) struct Hints {
    /// By path: the column, as `schema.table.column`, that its last parameter names.
    pub(in super::super) parameters: BTreeMap<String, String>,
    pub(in super::super) bodies: BTreeMap<(String, String), Body>,
    pub(in super::super) open: BTreeMap<(String, String), &'static str>,
}

fn key(route: &RouteInfo) -> (String, String) {
    (route.method.to_string(), route.path.clone())
}

pub(in super::super) struct Guess<'a> {
    catalogue: Catalogue,
    filled: Filled,
    marks: Marks,
    owner: Mutex<PgConnection>,
    document: &'a Value,
    hints: &'a Hints,
    actors: Vec<Actor>,
}

impl<'a> Guess<'a> {
    /// Fills the tables for two tenants and lets people into both.
    pub(in super::super) async fn new(
        test: &TestDb,
        seed: &Seed,
        document: &'a Document,
        cast: &dyn Cast,
        hints: &'a Hints,
    ) -> Result<Self, IsolationError> {
        let ground = super::super::Ground::prepare(test, seed).await?;
        let (catalogue, filled) = (ground.catalogue, ground.filled);
        let marks = Marks::of(&catalogue, &filled);
        let owner = PgConnection::connect(test.database.owner_url().expose()).await.map_err(refused("let the owner in"))?;
        let [own, victim] = [Side::Attacker, Side::Victim].map(|side| filled.tenant(side));
        let roles = cast.roles();
        let mut actors = vec![Actor { name: "stranger".to_owned(), part: Part::Stranger, client: cast.stranger() }];
        if let Some((role, _)) = roles.iter().max_by_key(|(_, held)| held.len()) {
            actors.push(Actor { name: "other".to_owned(), part: Part::Outsider, client: cast.member(own, role).await });
        }
        for (role, held) in roles {
            let client = cast.member(victim, role).await;
            actors.push(Actor { name: role.to_owned(), part: Part::Member(held.into_iter().collect()), client });
        }
        // Each from an address of its own, so that none is refused for what another asked.
        for (actor, last) in actors.iter_mut().zip(2..) {
            actor.client = actor.client.clone().from_address(Ipv4Addr::new(127, 0, 0, last).into());
        }
        Ok(Self { catalogue, filled, marks, owner: Mutex::new(owner), document: document.json(), hints, actors })
    }

    /// The path, with a new row of the victim's where its last parameter is, and what is there already where others are.
    async fn path(&self, route: &RouteInfo) -> Result<String, IsolationError> {
        let template: Vec<&str> = route.path.split('/').collect();
        let last = template.iter().rposition(|part| part.starts_with('{'));
        let mut path = Vec::new();
        for (at, part) in template.iter().enumerate() {
            let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
                path.push((*part).to_owned());
                continue;
            };
            // What is everybody's names no row of a tenant's.
            if matches!(route.access.caller, Caller::Public | Caller::Provider) {
                path.push("x".to_owned());
                continue;
            }
            let hint = self.hints.parameters.get(&route.path).filter(|_| Some(at) == last);
            let before = at.checked_sub(1).and_then(|at| template.get(at)).copied().unwrap_or_default();
            let (table, column) = match hint {
                Some(hint) => self.named(hint),
                None => self.guessed(before, name),
            }
            .ok_or_else(|| IsolationError::UnknownParameter { route: route.path.clone(), parameter: name.to_owned() })?;
            path.push(self.value(table, column, Some(at) == last).await?);
        }
        Ok(path.join("/"))
    }

    fn named(&self, hint: &str) -> Option<(&Table, &str)> {
        let (table, column) = hint.rsplit_once('.')?;
        let table = self.catalogue.tables.iter().find(|known| known.label == table)?;
        Some((table, &table.column(column)?.name))
    }

    /// The table that the part before a parameter, or the parameter, is named after, and its column.
    fn guessed(&self, before: &str, name: &str) -> Option<(&Table, &str)> {
        let table = [before, name.trim_end_matches("_id")].iter().find_map(|text| self.table_of(text))?;
        let columns = [name.to_owned(), format!("{name}_id"), "id".to_owned()];
        columns.iter().find_map(|column| table.column(column)).map(|column| (table, column.name.as_str()))
    }

    fn table_of(&self, text: &str) -> Option<&Table> {
        let text = text.replace('-', "_");
        let one = text.strip_suffix("ies").map_or_else(|| text.trim_end_matches('s').to_owned(), |stem| format!("{stem}y"));
        self.catalogue.tenant_tables().find(|table| table.label.split_once('.').is_some_and(|(_, name)| name == text || name == one))
    }

    /// What stands in a column of a row of the victim's: a new one, if it can be.
    async fn value(&self, table: &Table, column: &str, is_new: bool) -> Result<String, IsolationError> {
        let there = self.filled.row(table, Side::Victim)?.stored.get(column).cloned().flatten();
        if is_new && table.label != "core.tenant" {
            let mut owner = self.owner.lock().await;
            for _ in 0..TRIES {
                let row = self.filled.fresh(table, Side::Victim)?;
                let statement = format!("{} returning t.{}::text", insert(table, &row), super::super::catalogue::quoted(column));
                // A guess that collides, or a table that holds one row for each tenant.
                if let Ok(row) = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_one(&mut *owner).await {
                    return row.try_get(0).map_err(refused("return a row"));
                }
            }
        }
        there.ok_or_else(|| fill::unfilled(table, format!("{column} is empty")))
    }

    /// The id of something of the victim's, by the name of a field that wants one.
    fn id(&self, field: &str) -> Option<String> {
        let name = field.trim_end_matches("_id");
        if matches!(name, "tenant" | "organization" | "org") {
            return Some(self.victim().to_string());
        }
        let table = self.table_of(name)?;
        self.filled.row(table, Side::Victim).ok()?.stored.get("id").cloned().flatten()
    }

    fn body(&self, route: &RouteInfo) -> Body {
        if let Some(body) = self.hints.bodies.get(&key(route)) {
            return body.clone();
        }
        let operation = &self.document["paths"][&route.path][route.method.as_str().to_lowercase()];
        let content = &operation["requestBody"]["content"];
        if content.get("multipart/form-data").is_some() {
            return Body::Upload;
        }
        let Some(schema) = content["application/json"].get("schema") else { return Body::Empty };
        Body::Json(self.values(&|field| self.id(field)).of(schema, ""))
    }

    fn values<'b>(&'b self, id: &'b dyn Fn(&str) -> Option<String>) -> Values<'b> {
        Values { document: self.document, id }
    }

    /// The parameters of the query that must be there.
    fn query(&self, route: &RouteInfo) -> Option<String> {
        let operation = &self.document["paths"][&route.path][route.method.as_str().to_lowercase()];
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut any = false;
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (true, true, Some(name)) = (parameter["in"] == "query", parameter["required"] == true, parameter["name"].as_str()) else {
                continue;
            };
            let value = self.values(&|field| self.id(field)).of(&parameter["schema"], name);
            query.append_pair(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str());
            any = true;
        }
        any.then(|| query.finish())
    }
}

#[async_trait]
impl Stage for Guess<'_> {
    fn actors(&self) -> &[Actor] {
        &self.actors
    }

    fn victim(&self) -> TenantId {
        self.filled.tenant(Side::Victim)
    }

    fn names(&self) -> Vec<String> {
        let tenants = self.catalogue.tables.iter().find(|table| table.label == "core.tenant");
        let row = tenants.and_then(|table| self.filled.row(table, Side::Victim).ok());
        let slug = row.and_then(|row| row.stored.get("slug").cloned().flatten());
        std::iter::once(self.victim().to_string()).chain(slug).collect()
    }

    fn gives_away(&self, text: &str, asked: &str) -> Option<String> {
        self.marks.find_unknown(text, asked).map(str::to_owned)
    }

    async fn request(&self, route: &RouteInfo, _: &Actor) -> Result<Request, IsolationError> {
        let mut path = self.path(route).await?;
        if let Some(query) = self.query(route) {
            path = format!("{path}?{query}");
        }
        let body = if route.method == Method::GET { Body::Empty } else { self.body(route) };
        Ok(Request::new(path, body))
    }

    /// Whoever may, does: a guess that is refused has tried nothing.
    fn demand(&self, route: &RouteInfo, actor: &Actor) -> Demand {
        match Demand::of(route, &actor.part) {
            Demand::Allowed if actor.part.may(route) => Demand::Done,
            demand => demand,
        }
    }

    fn open(&self, route: &RouteInfo) -> Option<&'static str> {
        self.hints.open.get(&key(route)).copied()
    }
}
