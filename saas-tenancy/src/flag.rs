//! Switches of an organization. The application declares them ([`Flag`]); an owner sets those that are the organization's, and whoever runs the
//! product sets all of them.

mod operator;

use axum::{extract::State, response::Redirect};
use saas_core::{
    Actor, Can, Change, Event, EventSeverity, Flag, FlagOwner, Flags, Form, Json, NoContent, Page, Path, Permission as _, Problem, Routes,
    TenantDb, TenantTx, Validate, event_in,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::query;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{MemberRead, OrganizationOwn, Tenancy};

pub use operator::{flag_set_system_in, flags_of_in, flags_unknown_in};

/// A switch of an organization was set.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagSwitched<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it was on, and is now; none where it is as the product has it.
    pub on: Change<Option<bool>>,
    /// Why, if whoever runs the product did it.
    pub reason: Option<&'a str>,
}

impl Event for FlagSwitched<'_> {
    const NAME: &'static str = "tenancy.flag.switched";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "organization";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// Sets a flag of the transaction's organization, which is the organization's to set. It holds from each member's next request on.
///
/// # Errors
///
/// Forbidden if the flag is the platform's; fails if the database does.
pub async fn flag_set_in(tx: &mut TenantTx, actor: Actor, flag: Flag, on: bool) -> Result<(), Problem> {
    if flag.owner() != FlagOwner::Organization {
        return Err(Problem::forbidden().detail("this flag is set by whoever runs the product"));
    }
    let tenant = tx.tenant().unwrap_or_default();
    let changed = query!(
        r#"update core.tenant set flags = tenant.flags || jsonb_build_object($2::text, $3::boolean)
        from (select (flags ->> $2)::boolean as value from core.tenant where id = $1 for no key update) old
        where id = $1 and old.value is distinct from $3::boolean
        returning old.value as "value?""#,
        Uuid::from(tenant),
        flag.name(),
        on,
    )
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(old) = changed {
        let switched = FlagSwitched { name: flag.name(), on: Change::new(old.value, Some(on)), reason: None };
        event_in(tx, actor, tenant, &switched).await?;
    }
    Ok(())
}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .post("/organization/flags", submit)
        .get("/api/v1/organization/flags", list)
        .about("Lists the switches of the organization")
        .put("/api/v1/organization/flags/{name}", put)
        .about("Sets one that is the organization's own")
}

/// A switch of the organization.
#[derive(Debug, Serialize, ToSchema)]
struct Switch {
    name: &'static str,
    /// What it does.
    description: String,
    on: bool,
    /// What it is where nobody has set it.
    default: bool,
    /// Who sets it.
    owner: FlagOwner,
}

/// The switches of an organization.
#[derive(Debug, Serialize, ToSchema)]
struct Switches {
    items: Vec<Switch>,
}

async fn list(_: Can<MemberRead>, flags: Flags, State(tenancy): State<Tenancy>, page: Page) -> Json<Switches> {
    let items = tenancy.known_flags().iter().map(|flag| Switch {
        name: flag.name(),
        description: page.text(flag.text()),
        on: flags.is_on(*flag),
        default: flag.default(),
        owner: flag.owner(),
    });
    Json(Switches { items: items.collect() })
}

/// How a switch is to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewState {
    on: bool,
}

impl Validate for NewState {}

impl Tenancy {
    fn flag(&self, name: &str) -> Result<Flag, Problem> {
        self.known_flags().iter().copied().find(|flag| flag.name() == name).ok_or_else(Problem::not_found)
    }

    /// The flags that a page of settings shows.
    pub(crate) fn switches(&self, page: &Page, flags: &Flags) -> Vec<Value> {
        let shown = |flag: &Flag| {
            json!({
                "name": flag.name(), "label": page.text(flag.text()), "on": flags.is_on(*flag),
                "is_own": flag.owner() == FlagOwner::Organization,
            })
        };
        self.known_flags().iter().map(shown).collect()
    }
}

async fn put(
    can: Can<OrganizationOwn>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(name): Path<String>,
    Json(new): Json<NewState>,
) -> Result<NoContent, Problem> {
    let flag = tenancy.flag(&name)?;
    let mut tx = db.begin().await?;
    flag_set_in(&mut tx, can.actor(), flag, new.on).await?;
    tx.commit().await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchForm {
    name: String,
    on: bool,
}

async fn submit(
    can: Can<OrganizationOwn>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Form(form): Form<SwitchForm>,
) -> Result<Redirect, Problem> {
    let flag = tenancy.flag(&form.name)?;
    let mut tx = db.begin().await?;
    flag_set_in(&mut tx, can.actor(), flag, form.on).await?;
    tx.commit().await?;
    Ok(Redirect::to("/organization/settings"))
}
