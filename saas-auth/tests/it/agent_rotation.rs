use chrono::TimeDelta;
use http::HeaderMap;
use saas_auth::{AgentCredentialError, AgentKeyError, AgentKeyId, KeyFlaw, NewAgentKey, Overlap};
use saas_core::{Actor, AgentId, AgentPrincipal, Problem, TenantId, WorkspaceId};
use uuid::Uuid;

use crate::app::App;

fn bearer(text: &str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::AUTHORIZATION, format!("Bearer {text}").parse().unwrap())])
}

/// A tenant's key, what registered with it, and the credential.
struct Office {
    tenant: TenantId,
    key: AgentKeyId,
    secret: String,
    agent: AgentId,
    instance: Uuid,
    credential: String,
}

impl Office {
    async fn new(app: &App, new: NewAgentKey) -> Self {
        let tenant = app.test.tenant("acme").await;
        let (agent, instance) = (AgentId::new(), Uuid::now_v7());
        let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
        let (key, secret) = app.auth.agent_key_create_in(&mut tx, Actor::System, new).await.unwrap();
        let issued = app.auth.agent_credential_issue_in(&mut tx, key.id, agent, instance).await.unwrap();
        tx.commit().await.unwrap();
        let (secret, credential) = (secret.expose().to_owned(), issued.expose().to_owned());
        Self { tenant, key: key.id, secret, agent, instance, credential }
    }

    async fn rotate(&self, app: &App, overlap: Overlap) -> Result<String, AgentKeyError> {
        let mut tx = app.test.db.tenant(self.tenant).begin().await.unwrap();
        let rotated = app.auth.agent_key_rotate_in(&mut tx, Actor::System, self.key, overlap).await?;
        tx.commit().await.unwrap();
        assert_eq!(
            rotated.previous_until,
            app.clock.now() + if overlap == Overlap::NONE { TimeDelta::zero() } else { TimeDelta::hours(24) }
        );
        Ok(rotated.secret.expose().to_owned())
    }

    async fn rotate_credential(&self, app: &App, shown: &str) -> Result<String, AgentCredentialError> {
        let mut tx = app.test.db.tenant(self.tenant).begin().await.unwrap();
        let me = AgentPrincipal::new(self.agent, self.tenant);
        let secret = app.auth.agent_credential_rotate_in(&mut tx, &bearer(shown), me).await?;
        tx.commit().await.unwrap();
        Ok(secret.expose().to_owned())
    }
}

fn named() -> NewAgentKey {
    NewAgentKey { name: "Office".to_owned(), ..NewAgentKey::default() }
}

impl App {
    async fn registers(&self, key: &str) -> u16 {
        self.browser().bearer(key).post("/register", &serde_json::json!({})).await.status.as_u16()
    }

    async fn acts(&self, credential: &str) -> u16 {
        self.browser().bearer(credential).get("/machine").await.status.as_u16()
    }
}

/// AUT-11, topic 5: rotation with a stated overlap; the agents that registered go on.
#[tokio::test]
async fn a_rotated_keys_old_secret_works_until_the_overlap_is_over() {
    let app = App::new().await;
    let office = Office::new(&app, named()).await;
    let new = office.rotate(&app, Overlap::DAY).await.unwrap();
    assert_ne!(new, office.secret);
    assert_eq!((app.registers(&office.secret).await, app.registers(&new).await, app.acts(&office.credential).await), (200, 200, 200));
    app.later(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(app.registers(&office.secret).await, 200);
    app.later(TimeDelta::seconds(1));
    assert_eq!((app.registers(&office.secret).await, app.registers(&new).await, app.acts(&office.credential).await), (401, 200, 200));
    let mut tx = app.test.db.tenant(office.tenant).begin().await.unwrap();
    let again = app.auth.agent_credential_issue_in(&mut tx, office.key, AgentId::new(), office.instance).await.unwrap();
    assert_eq!((again.agent, again.known), (office.agent, true), "the new secret leads to the same agent");
}

#[tokio::test]
async fn without_an_overlap_the_old_secret_ends_at_once() {
    let app = App::new().await;
    let office = Office::new(&app, named()).await;
    let second = office.rotate(&app, Overlap::NONE).await.unwrap();
    assert_eq!((app.registers(&office.secret).await, app.registers(&second).await), (401, 200));
    let third = office.rotate(&app, Overlap::DAY).await.unwrap();
    let fourth = office.rotate(&app, Overlap::DAY).await.unwrap();
    let works = [app.registers(&second).await, app.registers(&third).await, app.registers(&fourth).await];
    assert_eq!(works, [401, 200, 200], "one old secret works, not two");
    assert!(Overlap::hours(168).is_some() && Overlap::hours(169).is_none());
}

#[tokio::test]
async fn what_has_ended_or_belongs_to_others_is_not_rotated() {
    let app = App::new().await;
    let office = Office::new(&app, named()).await;
    let other = app.test.tenant("other").await;
    let mut tx = app.test.db.tenant(other).begin().await.unwrap();
    let foreign = app.auth.agent_key_rotate_in(&mut tx, Actor::System, office.key, Overlap::NONE).await;
    assert!(matches!(foreign, Err(AgentKeyError::NotFound)));
    let foreign = app.auth.agent_key_networks_set_in(&mut tx, Actor::System, office.key, &[]).await;
    assert!(matches!(foreign, Err(AgentKeyError::NotFound)));
    drop(tx);
    assert_eq!(app.registers(&office.secret).await, 200);
    let mut tx = app.test.db.tenant(office.tenant).begin().await.unwrap();
    app.auth.agent_key_revoke_in(&mut tx, Actor::System, office.key).await.unwrap();
    tx.commit().await.unwrap();
    let ended = office.rotate(&app, Overlap::NONE).await.unwrap_err();
    assert!(matches!(ended, AgentKeyError::Ended));
    assert_eq!(Problem::from(ended).status(), 409);
    assert!(matches!(office.rotate_credential(&app, &office.credential).await, Err(AgentCredentialError::KeyGone)));
}

/// AUT-11: a machine changes its own credential; an answer that is lost locks it out never, and the old secret ends when the new one is used.
#[tokio::test]
async fn a_machines_old_secret_works_until_the_new_one_was_used() {
    let app = App::new().await;
    let office = Office::new(&app, named()).await;
    let lost = office.rotate_credential(&app, &office.credential).await.unwrap();
    app.later(TimeDelta::days(400));
    assert_eq!(app.acts(&office.credential).await, 200, "the answer with the new one may have been lost");
    let new = office.rotate_credential(&app, &office.credential).await.unwrap();
    assert_eq!((app.acts(&office.credential).await, app.acts(&lost).await), (200, 401));

    until_taken_over(&app, &new).await;
    assert_eq!(app.acts(&office.credential).await, 200, "a request may be on its way");
    app.later(TimeDelta::hours(1));
    assert_eq!((app.acts(&office.credential).await, app.acts(&new).await), (401, 200));
    assert!(matches!(office.rotate_credential(&app, &office.credential).await, Err(AgentCredentialError::KeyGone)));
}

/// A machine uses its new secret until that is noted: a busy node may leave the note to the next request.
async fn until_taken_over(app: &App, new: &str) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while app.count("select count(*) from auth.agent_credential where previous_until is not null").await == 0 {
        assert!(tokio::time::Instant::now() < deadline, "the use of the new secret is noted");
        assert_eq!(app.acts(new).await, 200);
    }
}

/// AUT-11: the list of networks holds at the exchange and at every use, and a change of it from the next request on. Tests come from
/// 192.0.2.1.
#[tokio::test]
async fn a_changed_list_of_networks_holds_at_once_for_the_key_and_its_credentials() {
    let app = App::new().await;
    let office = Office::new(&app, named()).await;
    for (networks, expected) in
        [(vec!["198.51.100.0/24"], 401), (vec!["198.51.100.0/24", "192.0.2.9/24"], 200), (vec!["::/0"], 401), (vec![], 200)]
    {
        let networks: Vec<ipnet::IpNet> = networks.iter().map(|network| network.parse().unwrap()).collect();
        let mut tx = app.test.db.tenant(office.tenant).begin().await.unwrap();
        app.auth.agent_key_networks_set_in(&mut tx, Actor::System, office.key, &networks).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((app.registers(&office.secret).await, app.acts(&office.credential).await), (expected, expected), "{networks:?}");
    }
    let mut tx = app.test.db.tenant(office.tenant).begin().await.unwrap();
    let many = vec!["192.0.2.0/24".parse().unwrap(); 33];
    let refused = app.auth.agent_key_networks_set_in(&mut tx, Actor::System, office.key, &many).await;
    assert!(matches!(refused, Err(AgentKeyError::Flaw(KeyFlaw::Networks))));
}

/// AUT-11, TEN-02: a key is bound to a workspace of its own tenant.
#[tokio::test]
async fn a_key_is_for_one_workspace_of_its_tenant() {
    let app = App::new().await;
    let office = Office::new(&app, named()).await;
    let shown = app.auth.agent_key(&bearer(&office.secret), None).await.unwrap();
    assert_eq!(shown.workspace, WorkspaceId::from(office.tenant), "the first one, unless another is named");
    let other = app.test.tenant("other").await;
    let mut tx = app.test.db.tenant(office.tenant).begin().await.unwrap();
    let new = NewAgentKey { workspace: Some(other.into()), ..named() };
    let refused = app.auth.agent_key_create_in(&mut tx, Actor::System, new).await.unwrap_err();
    assert!(matches!(refused, AgentKeyError::Workspace), "{refused:?}");
    assert_eq!(Problem::from(refused).status(), 422);
}
