use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, request::Parts};
use saas_core::{
    CurrentUser, Declares, Form, Json, Origin, Page, Principal, Problem, ProblemType, Query, Routes, SignedIn, Token, Validate,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{InvitationError, accept::Open};
use crate::{MemberError, Organization, RoleName, Tenancy, organization::go_to};

const PAGE: &str = "tenancy/invitation.html";

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/invitation", show)
        .post("/invitation", submit)
        .post("/api/v1/invitations/accept", accept)
        .about("Joins an organization with the token from an invitation's mail")
}

/// Whoever opened the link, signed in or not.
struct Visitor(Option<Arc<SignedIn>>);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Principal>() {
            Some(Principal::User(signed_in)) => Ok(Self(Some(Arc::clone(signed_in)))),
            Some(_) => Ok(Self(None)),
            None => Err(Problem::missing_layer("one that authenticates")),
        }
    }
}

impl Declares for Visitor {}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Link {
    token: String,
}

/// What a link is to whoever opened it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Look {
    /// It can be accepted.
    Ready,
    /// Nobody knows yet who opened it.
    Stranger,
    /// They have another address.
    Other,
    /// They have not confirmed the address.
    Unverified,
    /// They belong to the organization already.
    Member,
    /// The organization has no seat for them.
    Full,
    /// The organization's plan lets nobody in for now, for another reason.
    Locked,
    /// It cannot be used any more.
    Over,
}

impl Look {
    fn of(open: &Open, visitor: Option<&SignedIn>) -> Self {
        match visitor {
            None => Self::Stranger,
            Some(me) if !open.is_for(me) => Self::Other,
            Some(me) if me.memberships.iter().any(|membership| membership.id == open.organization.id) => Self::Member,
            Some(me) if !me.verified => Self::Unverified,
            Some(_) => Self::Ready,
        }
    }

    /// How a form is answered that was refused for this.
    const fn status(self) -> StatusCode {
        match self {
            Self::Ready | Self::Stranger => StatusCode::OK,
            Self::Other | Self::Unverified => StatusCode::FORBIDDEN,
            Self::Member => StatusCode::CONFLICT,
            Self::Full | Self::Locked => StatusCode::PAYMENT_REQUIRED,
            Self::Over => StatusCode::GONE,
        }
    }
}

/// Programs that scan mail follow links, so this changes nothing: it shows what the invitation says and a button.
async fn show(
    State(tenancy): State<Tenancy>,
    Visitor(visitor): Visitor,
    Query(link): Query<Link>,
    page: Page,
) -> Result<Response, Problem> {
    let open = read(&tenancy, &link.token).await?;
    let look = open.as_ref().map_or(Look::Over, |open| Look::of(open, visitor.as_deref()));
    let status = if matches!(look, Look::Over) { StatusCode::GONE } else { StatusCode::OK };
    render(&page, status, look, open.as_ref(), &link.token)
}

async fn read(tenancy: &Tenancy, token: &str) -> Result<Option<Open>, Problem> {
    match Token::parse(token) {
        Some(token) => Ok(tenancy.invitation(&token).await?),
        None => Ok(None),
    }
}

fn render(page: &Page, status: StatusCode, look: Look, open: Option<&Open>, token: &str) -> Result<Response, Problem> {
    let says = open.map(|open| {
        json!({
            "organization": open.organization.name, "email": open.email, "role": page.role(open.role.as_str()), "inviter": open.inviter,
            "expires_at": open.expires_at,
        })
    });
    // Only what was read as a link's own text goes on from here.
    let token = if open.is_some() { token } else { "" };
    let page = page.render(PAGE, json!({ "look": look, "invitation": says, "token": token }))?;
    Ok((status, page).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptForm {
    token: String,
}

/// Joins, and works there from now on.
async fn submit(
    State(tenancy): State<Tenancy>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    page: Page,
    Form(form): Form<AcceptForm>,
) -> Result<Response, Problem> {
    let accepted = match Token::parse(&form.token) {
        Some(token) => tenancy.invitation_accept(&me, origin, &token).await,
        None => Err(InvitationError::Over),
    };
    let look = match accepted {
        Ok(joined) => return go_to(&tenancy, joined.organization.id),
        Err(InvitationError::Over) => Look::Over,
        Err(InvitationError::OtherAddress) => Look::Other,
        Err(InvitationError::Unverified) => Look::Unverified,
        Err(InvitationError::NoSeat(problem)) if problem.kind() == &ProblemType::LIMIT_REACHED => Look::Full,
        Err(InvitationError::NoSeat(_)) => Look::Locked,
        Err(InvitationError::Member(MemberError::AlreadyMember)) => Look::Member,
        Err(error) => return Err(error.into()),
    };
    let open = read(&tenancy, &form.token).await?;
    let look = if open.is_some() { look } else { Look::Over };
    render(&page, look.status(), look, open.as_ref(), &form.token)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// The token from the mail.
    token: String,
}

impl Validate for Acceptance {}

/// Where somebody belongs now, and as what.
#[derive(Debug, Serialize, ToSchema)]
struct Accepted {
    organization: Organization,
    role: RoleName,
}

async fn accept(
    State(tenancy): State<Tenancy>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Json(acceptance): Json<Acceptance>,
) -> Result<Json<Accepted>, Problem> {
    let token = Token::parse(&acceptance.token).ok_or(InvitationError::Over)?;
    let joined = tenancy.invitation_accept(&me, origin, &token).await?;
    Ok(Json(Accepted { organization: joined.organization, role: joined.role }))
}
