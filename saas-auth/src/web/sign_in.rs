use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use saas_core::{Form, FormErrors, Json, Origin, Page, Problem, Query, Routes, Secret, Validate};
use serde::Deserialize;
use serde_json::json;

use super::{Next, me::Me, see, visitor::Visitor, with_cookie};
use crate::{
    Auth, Credentials, SignInError,
    account::account_sign_in,
    session::{NewSession, session_by_token},
};

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SignInForm {
    email: String,
    password: Secret,
    /// A box that is not ticked is not sent.
    remember: Option<String>,
    next: Option<String>,
}

/// Its fields are checked where they are used.
impl Validate for Credentials {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sign-in", show)
        .post("/sign-in", submit)
        .post("/api/v1/auth/sign-in", sign_in)
        .about("Signs in and sets the session's cookie")
}

async fn show(State(auth): State<Auth>, Visitor(visitor): Visitor, Query(query): Query<Next>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(query.next.as_deref());
    if visitor.is_some() {
        return Ok(see(next.as_deref().unwrap_or(auth.home())));
    }
    let form = page.form(&[], &FormErrors::default());
    Ok(page.render("auth/sign_in.html", json!({ "next": next, "form": form }))?.into_response())
}

async fn submit(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    origin: Origin,
    page: Page,
    Form(form): Form<SignInForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let remember = form.remember.is_some();
    let credentials = Credentials { email: form.email, password: form.password, remember };
    let errors = match account_sign_in(&auth, &credentials, &origin, visitor.map(|it| it.session)).await {
        Ok(session) => {
            // The application may want a confirmed address for what comes next: better to say so now than there.
            let to = if session.verified { next.as_deref().unwrap_or(auth.home()) } else { "/verify" };
            return Ok(with_cookie(see(to), cookie(&auth, &session)?));
        }
        Err(SignInError::Refused(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors()),
        Err(SignInError::Wrong) => (StatusCode::UNAUTHORIZED, FormErrors::whole("auth-error-credentials")),
        Err(error) => return Err(error.into()),
    };
    let (status, errors) = errors;
    let form = page.form(&[("email", &credentials.email), ("remember", if remember { "true" } else { "" })], &errors);
    Ok((status, page.render("auth/sign_in.html", json!({ "next": next, "form": form }))?).into_response())
}

async fn sign_in(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    origin: Origin,
    Json(credentials): Json<Credentials>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Me>), Problem> {
    let session = account_sign_in(&auth, &credentials, &origin, visitor.map(|it| it.session)).await?;
    let (me, _) = session_by_token(auth.db(), &session.token).await?.ok_or_else(Problem::unauthenticated)?;
    Ok(([(header::SET_COOKIE, cookie(&auth, &session)?)], Json(Me::of(&me))))
}

pub(super) fn cookie(auth: &Auth, session: &NewSession) -> Result<HeaderValue, Problem> {
    auth.cookie().set(&session.token, session.remembered.then_some(NewSession::REMEMBERED_LIFETIME))
}
