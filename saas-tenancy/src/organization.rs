//! Making, listing and switching organizations.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::{StatusCode, header};
use saas_core::{
    Created, CurrentUser, DbError, Event, FieldError, Form, FormErrors, Html, Json, List, Membership, NewTenantDb, Page, Permission as _,
    Problem, ProblemType, Routes, SignedIn, TenantDb, TenantId, Validate, Wanted, event_in,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::query_scalar;
use utoipa::ToSchema;

use crate::{MemberRead, Role, Tenancy, member::member_insert_in, onboarding::FIRST_STEPS};

/// An organization, as its members see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Organization {
    /// Its id.
    pub id: TenantId,
    /// Its short name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
}

/// What it takes to make one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// 1 to 100 characters.
    pub name: String,
}

impl Validate for NewOrganization {
    fn validate(&self) -> Vec<FieldError> {
        match clean_name(&self.name) {
            Some(_) => Vec::new(),
            None => vec![FieldError::new("/name", "must have 1 to 100 characters")],
        }
    }
}

/// An organization was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationCreated {
    /// Its name.
    pub name: String,
}

impl Event for OrganizationCreated {
    const NAME: &'static str = "tenancy.organization.created";
    const TOPIC: &'static str = "organization";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// An organization cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrganizationError {
    /// The person has not shown that their address is theirs.
    #[error("the address is not verified")]
    Unverified,
    /// The name is empty, too long, or holds what no name does.
    #[error("the name must have 1 to 100 characters")]
    Name,
    /// With the request's `Idempotency-Key` one was made so long ago that its answer is forgotten.
    #[error("an organization was made with this key before")]
    Made,
    /// The database failed.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for OrganizationError {
    fn from(error: DbError) -> Self {
        if error.constraint() == Some("tenant_pkey") { Self::Made } else { Self::Database(error) }
    }
}

impl From<OrganizationError> for Problem {
    fn from(error: OrganizationError) -> Self {
        match error {
            OrganizationError::Unverified => Self::forbidden().detail("verify your email address first"),
            OrganizationError::Name => Self::invalid([FieldError::new("/name", "must have 1 to 100 characters")]),
            OrganizationError::Made => Self::new(&ProblemType::CONFLICT).detail(error.to_string()),
            OrganizationError::Database(error) => error.into(),
        }
    }
}

/// Makes an organization with its maker as the owner.
///
/// `db` is the new tenant's, such as [`NewTenantDb`] gives: it runs as the application inside, so it takes no power over others. A short name that is taken gets a random ending,
/// so nobody learns who is here.
///
/// # Errors
///
/// Fails if the maker's address is not verified, the name will not do, or the database fails.
pub async fn organization_create(db: &TenantDb, owner: &SignedIn, new: &NewOrganization) -> Result<Organization, OrganizationError> {
    if !owner.verified {
        return Err(OrganizationError::Unverified);
    }
    let name = clean_name(&new.name).ok_or(OrganizationError::Name)?;
    let mut tx = db.begin().await?;
    let id = tx.tenant().unwrap_or_default();
    let now = tx.now();
    let wanted = slug(name);
    let mut slug = wanted.clone();
    loop {
        let inserted = query_scalar!(
            r#"insert into core.tenant (id, slug, name, state, created_at) values ($1, $2, $3, 'active', $4)
            on conflict on constraint tenant_slug_key do nothing
            returning slug"#,
            uuid::Uuid::from(id),
            slug,
            name,
            now,
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(DbError::from)?;
        if inserted.is_some() {
            break;
        }
        slug = format!("{wanted}-{:06x}", rand::random::<u32>() >> 8);
    }
    member_insert_in(&mut tx, owner.user, &owner.name, &owner.email, &Role::Owner.into()).await?;
    event_in(&mut tx, owner.into(), id, &OrganizationCreated { name: name.to_owned() }).await?;
    tx.commit().await?;
    Ok(Organization { id, slug, name: name.to_owned() })
}

/// The name without space around it; none if it has no or too many characters, or one that no name has.
pub(crate) fn clean_name(name: &str) -> Option<&str> {
    let name = name.trim();
    ((1..=100).contains(&name.chars().count()) && !name.contains(char::is_control)).then_some(name)
}

/// Lower-case letters, digits and single hyphens; never empty.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        let plain = match c {
            'ä' => "ae",
            'ö' => "oe",
            'ü' => "ue",
            'ß' => "ss",
            c if c.is_ascii_alphanumeric() => {
                slug.push(c);
                continue;
            }
            _ => {
                if !slug.is_empty() && !slug.ends_with('-') {
                    slug.push('-');
                }
                continue;
            }
        };
        slug.push_str(plain);
    }
    slug.truncate(50);
    let slug = slug.trim_matches('-');
    if slug.len() < 2 { format!("org-{:06x}", rand::random::<u32>() >> 8) } else { slug.to_owned() }
}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/organizations", list_page)
        .get("/organizations/new", new_page)
        .post("/organizations", create_from_page)
        .post("/organizations/switch", switch_from_page)
        .get("/api/v1/organizations", list)
        .about("Lists the organizations of the person who is signed in")
        .post("/api/v1/organizations", create)
        .about("Makes an organization, whose owner the person who is signed in becomes")
}

/// They come with the session, so there is nothing to ask the database.
async fn list(CurrentUser(me): CurrentUser, wanted: Wanted<Membership>) -> List<Membership> {
    wanted.take(me.memberships.clone(), |membership, _| membership.name.to_lowercase(), |membership| membership.id.into())
}

async fn create(
    CurrentUser(me): CurrentUser,
    NewTenantDb(db): NewTenantDb,
    Json(new): Json<NewOrganization>,
) -> Result<Created<Organization>, Problem> {
    let organization = organization_create(&db, &me, &new).await?;
    Ok(Created(organization))
}

async fn list_page(CurrentUser(me): CurrentUser, State(tenancy): State<Tenancy>, page: Page) -> Result<Response, Problem> {
    let leaving = tenancy.leaving_of(me.user).await?;
    if me.memberships.is_empty() && leaving.is_empty() {
        return Ok(Redirect::to("/organizations/new").into_response());
    }
    Ok(page.render("tenancy/organizations.html", json!({ "leaving": leaving }))?.into_response())
}

async fn new_page(CurrentUser(me): CurrentUser, State(tenancy): State<Tenancy>, page: Page) -> Result<Html, Problem> {
    show_new(&tenancy, &page, &me, "", &FormErrors::default())
}

fn show_new(tenancy: &Tenancy, page: &Page, me: &SignedIn, name: &str, errors: &FormErrors) -> Result<Html, Problem> {
    let form = page.form(&[("name", name)], errors);
    page.render("tenancy/organization_new.html", json!({ "form": form, "verified": me.verified, "steps": tenancy.steps_of_maker() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewForm {
    #[serde(default)]
    name: String,
}

async fn create_from_page(
    CurrentUser(me): CurrentUser,
    NewTenantDb(db): NewTenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let mut errors = FormErrors::default();
    match organization_create(&db, &me, &NewOrganization { name: form.name.clone() }).await {
        Ok(organization) => return begin_in(&tenancy, organization.id),
        Err(OrganizationError::Unverified) => errors = FormErrors::whole("tenancy-error-unverified"),
        Err(OrganizationError::Name) if form.name.trim().is_empty() => errors.add("name", "tenancy-error-name-required"),
        Err(OrganizationError::Name) => errors.add("name", "tenancy-error-name-long"),
        Err(error @ (OrganizationError::Made | OrganizationError::Database(_))) => return Err(error.into()),
    }
    Ok((StatusCode::UNPROCESSABLE_ENTITY, show_new(&tenancy, &page, &me, &form.name, &errors)?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchForm {
    organization: TenantId,
}

async fn switch_from_page(
    CurrentUser(me): CurrentUser,
    State(tenancy): State<Tenancy>,
    Form(form): Form<SwitchForm>,
) -> Result<Response, Problem> {
    if me.memberships.iter().any(|membership| membership.id == form.organization) {
        go_to(&tenancy, form.organization)
    } else {
        Err(Problem::not_found())
    }
}

/// Remembers the organization in the browser and leads to its first page.
pub(crate) fn go_to(tenancy: &Tenancy, organization: TenantId) -> Result<Response, Problem> {
    enter(tenancy, organization, tenancy.home())
}

/// The same for whoever has just made it, who is led to the first steps where there are some.
fn begin_in(tenancy: &Tenancy, organization: TenantId) -> Result<Response, Problem> {
    enter(tenancy, organization, if tenancy.steps_of_maker().is_some() { FIRST_STEPS } else { tenancy.home() })
}

fn enter(tenancy: &Tenancy, organization: TenantId, path: &str) -> Result<Response, Problem> {
    let mut response = Redirect::to(path).into_response();
    response.headers_mut().append(header::SET_COOKIE, tenancy.cookie().set(organization)?);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_readable_and_never_empty() {
        assert_eq!(slug("Müller & Söhne GmbH"), "mueller-soehne-gmbh");
        assert_eq!(slug("  --A1--  "), "a1");
        assert!(slug("東京").starts_with("org-"));
        assert!(slug(&"x".repeat(200)).len() <= 50);
    }
}
