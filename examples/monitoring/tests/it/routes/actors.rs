use std::net::Ipv4Addr;

use http::{Method, StatusCode};
use saas_core::{
    EventsReplayed, RouteInfo, TenantArchives, TenantId, UserId, event_in,
    mail::{SuppressionReason, Suppressions},
    testing::{TestClient, isolation::Request},
};
use saas_tenancy::Role;
use serde_json::json;
use uuid::Uuid;

use super::requests::good_body;
use crate::{
    api_keys::SCOPES,
    app::{App, PASSWORD, Person, expect},
};

/// Who somebody is, seen from the first organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stranger,
    /// The owner of another organization.
    Other,
    /// One of those who run the product, in a session with a second factor; the owner of an organization of their own.
    Operator,
    Role(Role),
    /// A machine of the first organization, with its credential.
    Agent,
    /// A machine with a key that nobody has registered with.
    AgentKey,
    /// A program with an API key of the first organization that has every scope.
    ApiKey,
    /// A program with a token of somebody who owns the first organization.
    Token,
}

pub(super) struct Actor {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) client: TestClient,
    /// What it sends beside its cookies.
    pub(super) headers: Vec<(&'static str, String)>,
    email: Option<String>,
    id: Option<UserId>,
}

/// An organization with somebody of each role, a machine and a device, another organization beside it, and a stranger.
pub(super) struct Scene {
    pub(super) tenant: TenantId,
    pub(super) actors: Vec<Actor>,
    owner: TestClient,
    /// A picture of somebody in the first organization.
    avatar: String,
    /// A session of somebody who is in no organization.
    session: String,
    /// Their passkey.
    passkey: String,
}

impl Scene {
    pub(super) async fn of(app: &App) -> Self {
        let (tenant, other) = (app.tenant("canarybird").await, app.tenant("other").await);
        app.plan(tenant, "team").await;
        app.plan(other, "business").await;
        let mut actors =
            vec![Actor { name: "stranger", kind: Kind::Stranger, client: app.anon(), headers: Vec::new(), email: None, id: None }];
        actors.push(Actor::person("other", Kind::Other, other, app.member(other, Role::Owner).await));
        let operators = app.tenant("operators").await;
        app.plan(operators, "business").await;
        let operator = app.member(operators, Role::Owner).await;
        app.operator(operator.id).await;
        app.second_factor_shown(operator.id).await;
        actors.push(Actor::person("operator", Kind::Operator, operators, operator));
        let owner = app.member(tenant, Role::Owner).await;
        for (name, role) in [("viewer", Role::Viewer), ("member", Role::Member), ("admin", Role::Admin)] {
            actors.push(Actor::person(name, Kind::Role(role), tenant, app.member(tenant, role).await));
        }
        let agent = app.agent(&owner).await;
        let device = json!({ "devices": [{ "address": "10.0.0.1", "hostname": "canarybird-host", "found_by": ["tcp"] }] });
        expect(&agent.client.post("/api/agent/devices", &device).await, StatusCode::OK);
        let (_, key) = app.added(&owner).await;
        let bystander = app.person().await;
        let session = bystander.browser.get("/api/v1/auth/sessions").await.json()["items"][0]["id"].clone();
        let token = access_token(&app.member(tenant, Role::Owner).await, tenant).await;
        let arranging = owner.browser.clone().with("x-organization", &tenant.to_string());
        actors.push(Actor::person("owner", Kind::Role(Role::Owner), tenant, owner));
        actors.push(Actor::machine(app, "agent", Kind::Agent, &agent.credential));
        actors.push(Actor::machine(app, "agentkey", Kind::AgentKey, &key));
        actors.push(Actor::machine(app, "program", Kind::ApiKey, &new_api_key(&arranging, SCOPES).await.1));
        actors.push(Actor::machine(app, "token", Kind::Token, &token));
        // Each from an address of its own: how often one address may guess is tested elsewhere.
        for (actor, last) in actors.iter_mut().zip(2..) {
            actor.client = actor.client.clone().from_address(Ipv4Addr::new(127, 0, 0, last).into());
        }
        let (avatar, session) = (pictured(app, tenant).await, session.as_str().unwrap().to_owned());
        Self { tenant, actors, owner: arranging, avatar, session, passkey: app.passkey(bystander.id).await.to_string() }
    }

    pub(super) fn actor(&self, kind: Kind) -> &Actor {
        self.actors.iter().find(|actor| actor.kind == kind).unwrap()
    }

    /// Puts in order again what a call of this route may have ended.
    pub(super) async fn after(&self, app: &App, route: &RouteInfo, actor: &Actor) {
        if route.path == "/members/leave" && matches!(actor.kind, Kind::Role(_)) {
            app.bring_back(self.tenant).await;
        }
        if route.path.ends_with("/sign-out") {
            self.sign_in_again(app, actor).await;
        }
    }

    /// After a route that signs out.
    async fn sign_in_again(&self, app: &App, actor: &Actor) {
        if let Some(email) = &actor.email {
            let credentials = json!({ "email": email, "password": PASSWORD });
            expect(&actor.client.post("/api/v1/auth/sign-in", &credentials).await, StatusCode::OK);
        }
        if let (Kind::Operator, Some(id)) = (actor.kind, actor.id) {
            app.second_factor_shown(id).await;
        }
    }

    /// A good request: the path with what it names made anew, and the body.
    pub(super) async fn request(&self, app: &App, route: &RouteInfo, actor: &Actor) -> Request {
        let path = &route.path;
        let path = if path.contains("people/{user}") {
            let (agent, user) = self.shared(app).await;
            path.replace("{id}", &agent).replace("{user}", &user.to_string())
        } else if path.contains("flags/{name}") {
            path.replace("{name}", "latency")
        } else if path.contains("steps/{step}") {
            path.replace("{step}", "explore")
        } else if path.contains("agents/{id}") {
            path.replace("{id}", &self.new_agent().await)
        } else if path.contains("api-keys/{id}") {
            path.replace("{id}", &new_api_key(&self.owner, &SCOPES[..1]).await.0)
        } else if path.contains("members/{user}") {
            let user = app.test.user().await;
            app.test.member(self.tenant, user, "viewer").await;
            path.replace("{user}", &user.to_string())
        } else if path.contains("undelivered/{user}") {
            path.replace("{user}", &self.bounced(app).await.to_string())
        } else if path.contains("roles/{id}") {
            path.replace("{id}", &self.role().await)
        } else if path.contains("invitations/{id}") {
            path.replace("{id}", &self.invitation().await)
        } else if path.contains("avatars/{id}") {
            path.replace("{id}", &self.avatar).replace("{size}", "64")
        } else if path.contains("identities/{id}") || path.contains("browsers/{id}") {
            path.replace("{id}", "01890000-0000-7000-8000-000000000000")
        } else if path.contains("passkeys/{id}") {
            path.replace("{id}", &self.passkey)
        } else if path.contains("{provider}") {
            path.replace("{provider}", "dev")
        } else if path.contains("sessions/{id}") || path.contains("programs/{id}") {
            path.replace("{id}", &self.session)
        } else if path.contains("{organization}") {
            path.replace("{organization}", &self.tenant.to_string())
        } else if path.contains("consents/{document}") {
            path.replace("{document}", "marketing")
        } else if path.contains("organization/exports/{id}") {
            path.replace("{id}", &self.packed(app).await.to_string())
        } else if path.contains("exports/{id}") {
            path.replace("{id}", &Uuid::now_v7().to_string())
        } else if path.contains("workspaces/{id}") {
            path.replace("{id}", &self.tenant.to_string())
        } else if path.contains("undelivered/{id}") {
            path.replace("{id}", &self.given_up(app).await)
        } else if path.contains("billing/invoices/{id}") {
            self.invoiced(app).await;
            path.replace("{id}", "in_canarybird")
        } else if route.method == http::Method::GET && path.contains("billing/change") {
            format!("{path}?plan=team&interval=month")
        } else if path.contains("channels/{id}") {
            path.replace("{id}", &self.channel().await)
        } else if path.contains("webhooks/{id}") {
            let (endpoint, message) = self.webhook().await;
            path.replace("{id}", &endpoint).replace("{message}", &message)
        } else if path.ends_with("files/{id}/content") {
            // The link is made for whoever asks.
            let file = format!("/api/v1/files/{}", self.file().await);
            let link = actor.client.get(&file).await;
            let none = format!("{file}/content?expires=0&signature=none");
            if link.status == StatusCode::OK { link.json()["content"].as_str().unwrap().to_owned() } else { none }
        } else if path.contains("files/{id}") {
            path.replace("{id}", &self.file().await)
        } else if path.contains("notifications/{id}") {
            path.replace("{id}", &app.told(self.tenant, actor.email.as_deref()).await.to_string())
        } else if path == "/hand-off" {
            format!("{path}?host={}.localhost&browser={}", super::requests::called(actor.kind), "A".repeat(43))
        } else if path == "/api-docs/{file}" {
            path.replace("{file}", "index.html")
        } else if path == "/dev/mail/preview/letter" {
            format!("{path}?name=core/mail/welcome&locale=en")
        } else if path.starts_with("/dev/mail/{id}") {
            path.replace("{id}", &app.mailbox.list().await.unwrap()[0].id.to_string())
        } else {
            path.replace("{file}", "core.css").replace("{kind}", "not-found")
        };
        assert!(!path.contains('{'), "say what {path} is called with");
        Request::new(path, good_body(route, self.tenant, actor.kind))
    }

    /// An event that not everybody could be told of.
    async fn given_up(&self, app: &App) -> String {
        let mut tx = app.test.db.tenant(self.tenant).begin().await.unwrap();
        let id = event_in(&mut tx, saas_core::Actor::System, self.tenant, &EventsReplayed { number: 0 }).await.unwrap();
        tx.commit().await.unwrap();
        let given_up = "update data.outbox set dead_at = now() where id = $1";
        sqlx::query(given_up).bind(id).execute(&mut app.owner().await).await.unwrap();
        id.to_string()
    }

    /// A member whose mail came back.
    async fn bounced(&self, app: &App) -> UserId {
        let user = app.test.user().await;
        app.test.member(self.tenant, user, "viewer").await;
        let mut tx = app.test.db.system("arrange a test").begin().await.unwrap();
        let suppressions = Suppressions::new(app.program.master_key.clone());
        suppressions.add_in(&mut tx, &format!("{user}@example.com"), SuppressionReason::Bounce, None).await.unwrap();
        tx.commit().await.unwrap();
        user
    }

    /// An invoice of the first organization.
    async fn invoiced(&self, app: &App) {
        let made = sqlx::query(
            "insert into billing.invoice (tenant_id, id, state, currency, total, paid, due, attempts, created_at, read_at)
            values ($1, 'in_canarybird', 'paid', 'usd', 4900, 4900, 0, 1, now(), now()) on conflict do nothing",
        );
        made.bind(Uuid::from(self.tenant)).execute(&mut app.owner().await).await.unwrap();
    }

    async fn new_agent(&self) -> String {
        let list = self.owner.get("/api/v1/agents").await.json()["items"].clone();
        let spare = list.as_array().unwrap().iter().find(|agent| agent["name"] == "Canarybird").map(|agent| agent["id"].clone());
        let id = match spare {
            Some(id) => id,
            None => {
                let added = self.owner.post("/api/v1/agents", &json!({ "name": "Canarybird" })).await;
                expect(&added, StatusCode::CREATED);
                added.json()["id"].clone()
            }
        };
        id.as_str().unwrap().to_owned()
    }

    /// An agent that is shared with a member, and who that is.
    async fn shared(&self, app: &App) -> (String, UserId) {
        let (agent, user) = (self.new_agent().await, app.test.user().await);
        app.test.member(self.tenant, user, "viewer").await;
        let put = self.owner.json(Method::PUT, &format!("/api/v1/agents/{agent}/people/{user}"), &json!({ "level": "view" })).await;
        expect(&put, StatusCode::NO_CONTENT);
        (agent, user)
    }

    /// A role that the first organization made.
    async fn role(&self) -> String {
        let matrix = self.owner.get("/api/v1/roles").await.json();
        if let Some(spare) = matrix["roles"].as_array().unwrap().iter().find_map(|role| role["id"].as_str()) {
            return spare.to_owned();
        }
        let made = self.owner.post("/api/v1/roles", &json!({ "name": "Canarybird", "permissions": [] })).await;
        expect(&made, StatusCode::CREATED);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// An invitation into the first organization, to an address that nobody was written to before.
    async fn invitation(&self) -> String {
        let address = format!("{}@example.com", Uuid::now_v7());
        let sent = self.owner.post("/api/v1/invitations", &json!({ "emails": [address], "role": "viewer" })).await;
        expect(&sent, StatusCode::OK);
        sent.json()["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A file of the first organization.
    async fn file(&self) -> String {
        let sent = self.owner.upload(Method::POST, "/api/v1/files", "canarybird.txt").await;
        expect(&sent, StatusCode::CREATED);
        sent.json()["id"].as_str().unwrap().to_owned()
    }

    /// An archive of all that is the first organization's. It was asked for yesterday, so another may be asked for.
    async fn packed(&self, app: &App) -> Uuid {
        let (id, db) = (Uuid::now_v7(), app.test.db.tenant(self.tenant));
        let bytes = TenantArchives::new(app.program.storage.clone()).pack(&db, &app.test.db.inventory(), id).await.unwrap();
        let mut tx = app.test.db.system("arrange a test").begin().await.unwrap();
        let now = tx.now();
        sqlx::query(
            "insert into tenancy.export (tenant_id, id, asked_by, asked_at, ready_at, expires_at, bytes)
            select tenant_id, $2, user_id, $3::timestamptz - interval '1 day', $3, $3::timestamptz + interval '1 day', $4
            from core.member where tenant_id = $1 and role = 'owner' and left_at is null limit 1",
        )
        .bind(self.tenant)
        .bind(id)
        .bind(now)
        .bind(i64::try_from(bytes).unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A chat channel of the first organization, active.
    async fn channel(&self) -> String {
        let list = self.owner.get("/api/v1/channels").await.json()["items"].clone();
        let spare = list.as_array().unwrap().iter().find(|it| it["name"] == "Canarybird" && it["state"] == "active");
        let channel = match spare {
            Some(channel) => channel["id"].clone(),
            None => {
                let new = json!({ "format": "slack", "name": "Canarybird", "address": "http://127.0.0.1:9/" });
                let added = self.owner.post("/api/v1/channels", &new).await;
                expect(&added, StatusCode::CREATED);
                added.json()["id"].clone()
            }
        };
        channel.as_str().unwrap().to_owned()
    }

    /// A webhook endpoint and a message that waits for it.
    async fn webhook(&self) -> (String, String) {
        let list = self.owner.get("/api/v1/webhooks").await.json()["items"].clone();
        let spare = list.as_array().unwrap().iter().find(|it| it["description"] == "Canarybird" && it["state"] == "active");
        let endpoint = match spare {
            Some(endpoint) => endpoint["id"].clone(),
            None => {
                let added =
                    self.owner.post("/api/v1/webhooks", &json!({ "url": "http://127.0.0.1:9/", "description": "Canarybird" })).await;
                expect(&added, StatusCode::CREATED);
                added.json()["id"].clone()
            }
        };
        let endpoint = endpoint.as_str().unwrap().to_owned();
        let tested = self.owner.post(&format!("/api/v1/webhooks/{endpoint}/test"), &json!({})).await;
        expect(&tested, StatusCode::ACCEPTED);
        (endpoint, tested.json()["id"].as_str().unwrap().to_owned())
    }

    /// What of the first organization stands in a text and not in what was asked. (Its canary is not the island of that name, whose time is in a list.)
    pub(super) fn gives_away(&self, text: &str, asked: &str) -> Option<String> {
        let (text, asked) = (text.to_lowercase(), asked.to_lowercase());
        let mut secrets = ["canarybird".to_owned(), "10.0.0.1".to_owned(), self.tenant.to_string()].into_iter();
        secrets.find(|secret| text.contains(secret) && !asked.contains(secret))
    }
}

/// The id of a new key of the first organization, and the key.
async fn new_api_key(owner: &TestClient, scopes: &[&str]) -> (String, String) {
    let made = owner.post("/api/v1/api-keys", &json!({ "name": "Canarybird", "scopes": scopes })).await;
    expect(&made, StatusCode::CREATED);
    let text = |field: &str| made.json()[field].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

/// A token with which a program acts for somebody.
async fn access_token(person: &Person, tenant: TenantId) -> String {
    let given = person.browser.post("/api/v1/auth/token", &json!({ "organization": tenant })).await;
    expect(&given, StatusCode::OK);
    given.json()["access_token"].as_str().unwrap().to_owned()
}

/// The id of the picture of somebody in an organization.
async fn pictured(app: &App, tenant: TenantId) -> String {
    let person = app.member(tenant, Role::Viewer).await;
    app.avatar(person.id).await.to_string()
}

impl Actor {
    fn person(name: &'static str, kind: Kind, tenant: TenantId, person: Person) -> Self {
        let headers = vec![("x-organization", tenant.to_string())];
        let client = person.browser.with("x-organization", &tenant.to_string());
        Self { name, kind, client, headers, email: Some(person.email), id: Some(person.id) }
    }

    fn machine(app: &App, name: &'static str, kind: Kind, secret: &str) -> Self {
        let headers = vec![("authorization", format!("Bearer {secret}"))];
        Self { name, kind, client: app.anon().bearer(secret), headers, email: None, id: None }
    }
}
