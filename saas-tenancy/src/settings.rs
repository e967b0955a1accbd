//! What an organization is called.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use saas_core::{
    Actor, Can, Change, DbError, Event, FieldError, Flags, Form, FormErrors, Html, Json, Page, Permission as _, Problem, Routes, Standing,
    TenantDb, TenantTx, Validate, event_in,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{query, query_as};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{MemberRead, Organization, OrganizationOwn, OrganizationWrite, Tenancy, organization::clean_name};

const PAGE: &str = "tenancy/settings.html";

/// What an organization is to be called; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// 1 to 100 characters.
    pub name: Option<String>,
    /// Its short name in addresses: 2 to 63 lower-case letters and digits, with single hyphens between them. Links with the old one work no more.
    pub slug: Option<String>,
}

impl Validate for OrganizationChange {
    fn validate(&self) -> Vec<FieldError> {
        let name = self.name.as_deref().is_some_and(|name| clean_name(name).is_none());
        let slug = self.slug.as_deref().is_some_and(|slug| !is_slug(slug));
        let flaws = [
            name.then(|| FieldError::new("/name", "must have 1 to 100 characters")),
            slug.then(|| FieldError::new("/slug", "must have 2 to 63 lower-case letters and digits, with single hyphens between them")),
        ];
        flaws.into_iter().flatten().collect()
    }
}

/// Lower-case letters, digits and single hyphens between them, as the database has it too.
fn is_slug(slug: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (2..=63).contains(&slug.len()) && slug.split('-').all(is_part)
}

/// An organization is called something else.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationRenamed {
    /// Its name, before and now.
    pub name: Change<String>,
    /// Its short name, before and now.
    pub slug: Change<String>,
}

impl Event for OrganizationRenamed {
    const NAME: &'static str = "tenancy.organization.renamed";
    const TOPIC: &'static str = "organization";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// An organization cannot be called so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrganizationChangeError {
    /// A field will not do.
    #[error("the name or the short name will not do")]
    Fields(Vec<FieldError>),
    /// Another organization has the short name.
    #[error("the short name is taken")]
    Taken,
    /// The database failed.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for OrganizationChangeError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("tenant_slug_key") => Self::Taken,
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for OrganizationChangeError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<OrganizationChangeError> for Problem {
    fn from(error: OrganizationChangeError) -> Self {
        match error {
            OrganizationChangeError::Fields(fields) => Self::invalid(fields),
            OrganizationChangeError::Taken => Self::invalid([FieldError::new("/slug", "is taken")]),
            OrganizationChangeError::Database(error) => error.into(),
        }
    }
}

/// Calls the transaction's organization something else, and says what it is called then.
///
/// # Errors
///
/// Fails if a name will not do, the short name is taken, or the database fails.
pub async fn organization_change_in(
    tx: &mut TenantTx,
    actor: Actor,
    change: &OrganizationChange,
) -> Result<Organization, OrganizationChangeError> {
    let flaws = change.validate();
    if !flaws.is_empty() {
        return Err(OrganizationChangeError::Fields(flaws));
    }
    let old = organization_in(tx, true).await?;
    let name = change.name.as_deref().and_then(clean_name).unwrap_or(&old.name).to_owned();
    let slug = change.slug.clone().unwrap_or_else(|| old.slug.clone());
    if name != old.name || slug != old.slug {
        query!("update core.tenant set name = $2, slug = $3 where id = $1", Uuid::from(old.id), name, slug).execute(&mut **tx).await?;
        let renamed = OrganizationRenamed { name: Change::new(old.name, name.clone()), slug: Change::new(old.slug, slug.clone()) };
        event_in(tx, actor, old.id, &renamed).await?;
    }
    Ok(Organization { id: old.id, slug, name })
}

/// The transaction's organization, which stays as it is until the end if it is to be changed.
async fn organization_in(tx: &mut TenantTx, to_change: bool) -> Result<Organization, DbError> {
    let tenant = tx.tenant().map(Uuid::from);
    if to_change {
        crate::member::tenant_lock_in(tx).await?;
    }
    Ok(query_as!(Organization, r#"select id as "id: _", slug, name from core.tenant where id = $1"#, tenant).fetch_one(&mut **tx).await?)
}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/organization/settings", show)
        .post("/organization/settings", submit)
        .get("/api/v1/organization", read)
        .about("Says what the organization is called")
        .patch("/api/v1/organization", change)
        .about("Calls the organization something else")
}

async fn read(_: Can<MemberRead>, db: TenantDb) -> Result<Json<Organization>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(organization_in(&mut tx, false).await?))
}

async fn change(can: Can<OrganizationWrite>, db: TenantDb, Json(change): Json<OrganizationChange>) -> Result<Json<Organization>, Problem> {
    let mut tx = db.begin().await?;
    let organization = organization_change_in(&mut tx, can.standing().actor, &change).await?;
    tx.commit().await?;
    Ok(Json(organization))
}

async fn show(
    can: Can<OrganizationWrite>,
    flags: Flags,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let Organization { name, slug, .. } = organization_in(&mut tx, false).await?;
    page.render(PAGE, context(&page, can.standing(), &tenancy, &flags, (&name, &slug), &FormErrors::default()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SettingsForm {
    name: String,
    slug: String,
}

async fn submit(
    can: Can<OrganizationWrite>,
    flags: Flags,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Form(form): Form<SettingsForm>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let wanted = OrganizationChange { name: Some(form.name.clone()), slug: Some(form.slug.trim().to_owned()) };
    let mut errors = FormErrors::default();
    match organization_change_in(&mut tx, can.standing().actor, &wanted).await {
        Ok(_) => {
            tx.commit().await?;
            return Ok(Redirect::to("/organization/settings").into_response());
        }
        Err(OrganizationChangeError::Fields(fields)) => {
            for field in fields {
                match field.pointer.as_str() {
                    "/slug" => errors.add("slug", "tenancy-settings-error-slug"),
                    _ if form.name.trim().is_empty() => errors.add("name", "tenancy-error-name-required"),
                    _ => errors.add("name", "tenancy-error-name-long"),
                }
            }
        }
        Err(OrganizationChangeError::Taken) => errors.add("slug", "tenancy-settings-error-taken"),
        Err(error) => return Err(error.into()),
    }
    page.refuse(PAGE, context(&page, can.standing(), &tenancy, &flags, (&form.name, &form.slug), &errors))
}

fn context(page: &Page, standing: &Standing, tenancy: &Tenancy, flags: &Flags, (name, slug): (&str, &str), errors: &FormErrors) -> Value {
    json!({
        "form": page.form(&[("name", name), ("slug", slug)], errors),
        "owns": standing.may::<OrganizationOwn>(),
        "flags": tenancy.switches(page, flags),
        "exports": tenancy.archives().is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::is_slug;

    #[test]
    fn a_short_name_is_what_an_address_can_hold() {
        for good in ["ab", "acme", "acme-2", "2-b-3", &"a".repeat(63)] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "a", "-a", "a-", "a--b", "Acme", "acme corp", "müller", "a_b", &"a".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
