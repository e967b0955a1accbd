use std::time::Duration;

use chrono::TimeDelta;
use saas_auth::{AgentCredentialError, AgentKeyError, AgentKeyId, NewAgentKey};
use saas_core::{Actor, AgentId, ClientAddress, TenantId};
use uuid::Uuid;

use crate::app::App;

fn named(name: &str) -> NewAgentKey {
    NewAgentKey { name: name.to_owned(), ..NewAgentKey::default() }
}

impl App {
    async fn key(&self, tenant: TenantId, new: NewAgentKey) -> (AgentKeyId, String) {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let (key, secret) = self.auth.agent_key_create_in(&mut tx, Actor::System, new).await.unwrap();
        tx.commit().await.unwrap();
        (key.id, secret.expose().to_owned())
    }

    async fn credential(&self, tenant: TenantId, key: AgentKeyId, agent: AgentId, instance: Uuid) -> (AgentId, bool, String) {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let issued = self.auth.agent_credential_issue_in(&mut tx, key, agent, instance).await.unwrap();
        tx.commit().await.unwrap();
        (issued.agent, issued.known, issued.secret.expose().to_owned())
    }

    async fn register(&self, key: &str) -> u16 {
        self.browser().bearer(key).post("/register", &serde_json::json!({})).await.status.as_u16()
    }

    async fn machine(&self, credential: &str) -> u16 {
        self.browser().bearer(credential).get("/machine").await.status.as_u16()
    }

    async fn events(&self) -> Vec<(String, String)> {
        sqlx::query_as("select name, actor_kind from data.outbox order by id").fetch_all(&mut *self.system().await).await.unwrap()
    }
}

/// AUT-11: a key is exchanged for a credential of the agent's own.
#[tokio::test]
async fn a_key_registers_and_a_credential_acts_and_neither_does_the_others_work() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (key, credential, agent) = app.agent(tenant).await;
    assert!(key.starts_with("mon_agent_") && credential.starts_with("mon_cred_"));
    let registered = app.browser().bearer(&key).post("/register", &serde_json::json!({})).await;
    assert_eq!(registered.text(), tenant.to_string(), "the key says whose it is, whatever the body says");
    assert_eq!(app.browser().bearer(&credential).get("/machine").await.text(), agent.to_string());
    assert_eq!(app.machine(&key).await, 401);
    assert_eq!(app.register(&credential).await, 401);
    for path in ["/person", "/api/v1/auth/me", "/api/v1/auth/sessions"] {
        assert_eq!(app.browser().bearer(&key).get(path).await.status, 401, "{path}");
        assert_eq!(app.browser().bearer(&credential).get(path).await.status, 403, "{path}");
    }
    assert_eq!(app.browser().post("/register", &serde_json::json!({})).await.status, 401);
    assert_eq!(app.browser().get(&format!("/machine?key={credential}")).await.status, 400, "a key does not belong in an address");
    assert_eq!(
        app.events().await,
        [("auth.agent_key.created", "system"), ("auth.agent_credential.issued", "agent")].map(|(a, b)| (a.into(), b.into()))
    );
}

/// Topic 5: what cannot be a key is refused without asking the database.
#[tokio::test]
async fn a_wrong_checksum_is_refused_without_a_query() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (key, credential, _) = app.agent(tenant).await;
    app.test.db.close().await;
    for text in [&key, &credential] {
        let mut wrong = text.clone();
        let last = wrong.pop().unwrap();
        wrong.push(if last == 'a' { 'b' } else { 'a' });
        assert_eq!(app.machine(&wrong).await, 401);
        assert_eq!(app.register(&wrong).await, 401);
    }
    assert_eq!(app.machine(&credential).await, 503, "one that could be real needs the database, which is away");
    assert_eq!(app.register(&key).await, 503);
}

#[tokio::test]
async fn a_well_formed_text_that_nobody_issued_is_refused() {
    let (app, other) = (App::new().await, App::new().await);
    let tenant = other.test.tenant("acme").await;
    let (key, credential, _) = other.agent(tenant).await;
    assert_eq!((app.register(&key).await, app.machine(&credential).await), (401, 401));
}

/// AUT-11: revoked from the next request on, with all that came from it.
#[tokio::test]
async fn a_revoked_key_takes_its_credentials_with_it() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (id, key) = app.key(tenant, named("Office")).await;
    let (_, _, credential) = app.credential(tenant, id, AgentId::new(), Uuid::now_v7()).await;
    let (_, other, _) = app.agent(tenant).await;
    for _ in 0..2 {
        let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
        app.auth.agent_key_revoke_in(&mut tx, Actor::System, id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((app.register(&key).await, app.machine(&credential).await), (401, 401));
    }
    assert_eq!(app.machine(&other).await, 200, "another key's agents go on");
    let revoked = app.events().await.into_iter().filter(|(name, _)| name == "auth.agent_key.revoked").count();
    assert_eq!(revoked, 1, "revoking again is no event");

    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    let issued = app.auth.agent_credential_issue_in(&mut tx, id, AgentId::new(), Uuid::now_v7()).await;
    assert!(matches!(issued, Err(AgentCredentialError::KeyGone)), "a request that checked the key before it was revoked comes too late");
}

#[tokio::test]
async fn one_agents_credential_is_revoked_alone() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (id, key) = app.key(tenant, named("Office")).await;
    let instance = Uuid::now_v7();
    let (agent, _, credential) = app.credential(tenant, id, AgentId::new(), instance).await;
    let (_, _, other) = app.credential(tenant, id, AgentId::new(), Uuid::now_v7()).await;
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    app.auth.agent_credential_revoke_in(&mut tx, Actor::System, agent).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((app.machine(&credential).await, app.machine(&other).await, app.register(&key).await), (401, 200, 200));
    let (again, known, _) = app.credential(tenant, id, AgentId::new(), instance).await;
    assert!(again != agent && !known, "a machine that was removed begins anew");
}

#[tokio::test]
async fn registering_again_gives_the_same_agent_another_credential() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (id, _) = app.key(tenant, named("Office")).await;
    let instance = Uuid::now_v7();
    let (agent, known, first) = app.credential(tenant, id, AgentId::new(), instance).await;
    assert!(!known);
    let (same, known, second) = app.credential(tenant, id, AgentId::new(), instance).await;
    assert!(known && same == agent);
    assert_eq!((app.machine(&first).await, app.machine(&second).await), (401, 200), "an agent has one credential");
    let (moved, known, third) = app.credential(tenant, id, agent, Uuid::now_v7()).await;
    assert!(!known && moved == agent, "the same agent on another installation");
    assert_eq!((app.machine(&second).await, app.machine(&third).await), (401, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_registers_twice_at_once_is_one_agent() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (id, _) = app.key(tenant, named("Office")).await;
    for _ in 0..10 {
        let instance = Uuid::now_v7();
        let (one, two) =
            tokio::join!(app.credential(tenant, id, AgentId::new(), instance), app.credential(tenant, id, AgentId::new(), instance),);
        assert_eq!(one.0, two.0);
        assert!(one.1 != two.1, "one came first");
    }
}

#[tokio::test]
async fn an_expired_key_registers_nobody_and_its_agents_go_on() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let expires_at = Some(app.clock.now() + TimeDelta::hours(1));
    let (id, key) = app.key(tenant, NewAgentKey { expires_at, ..named("Office") }).await;
    let (_, _, credential) = app.credential(tenant, id, AgentId::new(), Uuid::now_v7()).await;
    app.later(TimeDelta::hours(1) - TimeDelta::seconds(1));
    assert_eq!(app.register(&key).await, 200);
    app.later(TimeDelta::seconds(1));
    assert_eq!((app.register(&key).await, app.machine(&credential).await), (401, 200));
}

/// The test's clients come from 192.0.2.1.
#[tokio::test]
async fn a_key_for_some_networks_is_refused_from_others() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    for (networks, expected) in [
        (vec![], 200),
        (vec!["192.0.2.0/24"], 200),
        (vec!["192.0.2.77/24"], 200),
        (vec!["198.51.100.0/24", "192.0.2.1/32"], 200),
        (vec!["198.51.100.0/24"], 401),
        (vec!["192.0.2.2/32", "2001:db8::/32"], 401),
    ] {
        let new = NewAgentKey { networks: networks.iter().map(|network| network.parse().unwrap()).collect(), ..named("Office") };
        let (id, key) = app.key(tenant, new).await;
        let (_, _, credential) = app.credential(tenant, id, AgentId::new(), Uuid::now_v7()).await;
        assert_eq!((app.register(&key).await, app.machine(&credential).await), (expected, expected), "{networks:?}");
    }
}

#[tokio::test]
async fn without_a_known_address_a_key_for_some_networks_is_refused() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let new = NewAgentKey { networks: vec!["0.0.0.0/0".parse().unwrap()], ..named("Office") };
    let (_, key) = app.key(tenant, new).await;
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
    assert_eq!(app.auth.agent_key(&headers, None).await.unwrap_err().status(), 401);
    let here = ClientAddress("192.0.2.1".parse().unwrap());
    assert_eq!(app.auth.agent_key(&headers, Some(here)).await.unwrap().tenant, tenant);
}

#[tokio::test]
async fn a_suspended_tenants_machines_are_refused() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (key, credential, _) = app.agent(tenant).await;
    let mut tx = app.system().await;
    sqlx::query("update core.tenant set state = 'suspended'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((app.register(&key).await, app.machine(&credential).await), (401, 401));
}

/// Another tenant's keys can be neither seen nor revoked nor used to make credentials.
#[tokio::test]
async fn another_tenants_keys_are_as_unknown_as_none() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let (id, key) = app.key(acme, named("Office")).await;
    let (agent, _, credential) = app.credential(acme, id, AgentId::new(), Uuid::now_v7()).await;

    let mut tx = app.test.db.tenant(other).begin().await.unwrap();
    assert!(app.auth.agent_keys_in(&mut tx).await.unwrap().is_empty());
    let revoked = app.auth.agent_key_revoke_in(&mut tx, Actor::System, id).await;
    assert!(matches!(revoked, Err(AgentKeyError::NotFound)));
    let issued = app.auth.agent_credential_issue_in(&mut tx, id, AgentId::new(), Uuid::now_v7()).await;
    assert!(matches!(issued, Err(AgentCredentialError::KeyGone)));
    app.auth.agent_credential_revoke_in(&mut tx, Actor::System, agent).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!((app.register(&key).await, app.machine(&credential).await), (200, 200));
    let mut tx = app.test.db.tenant(acme).begin().await.unwrap();
    let keys = app.auth.agent_keys_in(&mut tx).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn a_key_remembers_who_made_it_and_never_shows_itself_again() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let user = app.test.user().await;
    app.test.member(tenant, user, "owner").await;
    let mut tx = app.test.db.tenant(tenant).acting(user).begin().await.unwrap();
    let (key, secret) = app.auth.agent_key_create_in(&mut tx, Actor::User(user), named("  Office  ")).await.unwrap();
    let keys = app.auth.agent_keys_in(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((keys[0].name.as_str(), keys[0].created_by, key.created_by), ("Office", Some(user), Some(user)));
    assert!(secret.expose().starts_with(&keys[0].prefix) && keys[0].prefix.len() < 24);
    let rows: Vec<String> =
        sqlx::query_scalar("select to_jsonb(k)::text from auth.agent_key k").fetch_all(&mut *app.system().await).await.unwrap();
    let random = &secret.expose()["mon_agent_".len() + 23..];
    assert!(rows.iter().all(|row| !row.contains(random)));
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let past = Some(app.clock.now());
    let network = "192.0.2.0/24".parse().unwrap();
    let long = "a".repeat(101);
    for new in [
        named(""),
        named("a\0b"),
        named(&long),
        NewAgentKey { expires_at: past, ..named("Office") },
        NewAgentKey { networks: vec![network; 33], ..named("Office") },
    ] {
        let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
        let error = app.auth.agent_key_create_in(&mut tx, Actor::System, new).await.unwrap_err();
        assert_eq!(saas_core::Problem::from(error).status(), 422);
    }
}

/// Topic 5: the time of use is coarse, and costs at most one write a minute.
#[tokio::test]
async fn the_use_of_a_credential_is_noted_once_a_minute() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (key, credential, _) = app.agent(tenant).await;
    let first = app.clock.now();
    until_noted(&app, &key, &credential, first).await;
    app.later(TimeDelta::seconds(59));
    app.machine(&credential).await;
    app.later(TimeDelta::seconds(2));
    until_noted(&app, &key, &credential, first + TimeDelta::seconds(61)).await;
}

/// Uses both until their use is noted: a busy node may leave the note to the next request.
async fn until_noted(app: &App, key: &str, credential: &str, at: chrono::DateTime<chrono::Utc>) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        app.register(key).await;
        app.machine(credential).await;
        let used: (Option<chrono::DateTime<chrono::Utc>>, Option<chrono::DateTime<chrono::Utc>>) =
            sqlx::query_as("select k.last_used_at, c.last_used_at from auth.agent_key k, auth.agent_credential c")
                .fetch_one(&mut *app.system().await)
                .await
                .unwrap();
        if used == (Some(at), Some(at)) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "both uses are noted: {used:?}");
    }
}
