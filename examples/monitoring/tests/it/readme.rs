//! What README shows of the framework is compiled here, and works.

use http::StatusCode;
use monitoring::server::{DEVICES, plans};
use saas_admin::ComposeError;
use saas_auth::Auth;
use saas_billing::Billing;
use saas_core::{Db, MasterKey, Permission as _, Routes, Web, finish, mail::Outbox, pages::Pages, testing::TestApp};
use saas_tenancy::{ActiveOrganization, Header, ResolveTenant as _, Role, Roles, Tenancy};
use serde_json::json;
use url::Url;

use crate::app::{App, PASSWORD, expect, expect_problem};

saas_core::permissions! {
    /// Add devices.
    DeviceWrite = "readme.device.write";
}

const MATRIX: &[(&str, &[Role])] = &[(DeviceWrite::NAME, &[Role::Owner])];

fn composed(db: Db, keys: MasterKey, outbox: Outbox, pages: Pages, public_url: Url, web: Web) -> Result<saas_core::App, ComposeError> {
    let auth = Auth::builder(&db, &keys, outbox, pages, public_url).home("/devices").build()?;
    let tenancy = Tenancy::new(&db, Header::new("x-organization").or(ActiveOrganization), Roles::new(MATRIX));
    let billing = Billing::new(plans()?)?;

    let routes = Routes::new()
        .merge(devices::routes().with_state(billing).layer(tenancy.layer()))
        .merge(tenancy.routes())
        .merge(auth.routes())
        .layer(auth.layer());
    let app = finish(routes, web);
    Ok(app)
}

mod devices {
    use std::net::IpAddr;

    use axum::extract::State;
    use ipnet::IpNet;
    use monitoring::server::DeviceId;
    use saas_billing::Billing;
    use saas_core::{Can, Created, DbError, Event, Json, Permission as _, Problem, Routes, TenantDb, TenantTx, Validate, event_in};
    use serde::{Deserialize, Serialize};
    use utoipa::ToSchema;

    use super::{DEVICES, DeviceWrite};

    pub(super) fn routes() -> Routes<Billing> {
        Routes::new().post("/api/v1/devices", create).about("Adds a device")
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct NewDevice {
        #[schema(value_type = String)]
        address: IpAddr,
    }

    impl Validate for NewDevice {}

    #[derive(Debug, Serialize, ToSchema)]
    struct Device {
        id: DeviceId,
        #[schema(value_type = String)]
        address: IpAddr,
    }

    #[derive(Debug, Serialize, ToSchema)]
    struct DeviceCreated {
        #[schema(value_type = String)]
        address: IpAddr,
    }

    impl DeviceCreated {
        fn of(device: &Device) -> Self {
            Self { address: device.address }
        }
    }

    impl Event for DeviceCreated {
        const NAME: &'static str = "readme.device.created";
        const TOPIC: &'static str = "devices";
        const PERMISSION: Option<&'static str> = Some(DeviceWrite::NAME);
    }

    #[rustfmt::skip]
    async fn create(
        can: Can<DeviceWrite>,           // 401, 404 and 403 are settled before the body is read
        db: TenantDb,                    // this tenant's rows and no others
        State(billing): State<Billing>,
        Json(new): Json<NewDevice>,      // a bad body is a problem document that points at the field
    ) -> Result<Created<Device>, Problem> {  // and this is its OpenAPI document
        let mut tx = db.begin().await?;
        billing.reserve_in(&mut tx, DEVICES, 1).await?;      // exact, however many try at once
        let device = device_insert_in(&mut tx, new).await?;
        event_in(&mut tx, can.actor(), device.id, &DeviceCreated::of(&device)).await?;
        tx.commit().await?;              // row, quota, audit, webhooks, notifications: all of it or nothing
        Ok(Created(device))
    }

    async fn device_insert_in(tx: &mut TenantTx, new: NewDevice) -> Result<Device, DbError> {
        let device = Device { id: DeviceId::new(), address: new.address };
        let insert = "insert into device (tenant_id, id, agent_id, address, found_by, created_at)
            select tenant_id, $2, id, $3, array['tcp'], $4 from agent where tenant_id = $1";
        let insert = sqlx::query(insert).bind(tx.tenant()).bind(device.id).bind(IpNet::from(device.address)).bind(tx.now());
        insert.execute(&mut **tx).await?;
        Ok(device)
    }
}

#[tokio::test]
async fn what_readme_puts_together_works() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let (owner, viewer) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    app.agent(&owner).await;
    let (db, program) = (app.test.db.clone(), &app.program);
    let web = TestApp::web(&app.test, &program.pages);
    let (keys, outbox, pages) = (program.master_key.clone(), program.outbox.clone(), program.pages.clone());
    let readme = TestApp::new(composed(db, keys, outbox, pages, program.public_url.clone(), web).unwrap());

    let new = json!({ "address": "10.9.9.9" });
    expect_problem(&readme.browser().post("/api/v1/devices", &new).await, StatusCode::UNAUTHORIZED, "unauthenticated");
    for (person, status) in [(&viewer, StatusCode::FORBIDDEN), (&owner, StatusCode::CREATED)] {
        let browser = readme.browser();
        expect(&browser.post("/api/v1/auth/sign-in", &json!({ "email": person.email, "password": PASSWORD })).await, StatusCode::OK);
        expect(&browser.post("/api/v1/devices", &new).await, status);
    }
    assert_eq!(app.count("select count(*) from device").await, 1);
    assert_eq!(app.count("select count(*) from outbox where name = 'readme.device.created'").await, 1);
}

/// Word for word, wherever it is indented.
#[test]
fn what_readme_shows_is_what_is_compiled() {
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let compiled = lines(include_str!("readme.rs"));
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let shown: Vec<_> = readme.split("```rust\n").skip(1).map(|rest| lines(rest.split_once("\n```").unwrap().0)).collect();
    assert_eq!(shown.len(), 2);
    for block in shown {
        assert!(compiled.contains(&block), "README shows what is not compiled:\n{block}");
    }
}
