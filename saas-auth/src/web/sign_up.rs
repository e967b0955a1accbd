use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use saas_core::{Accepted, Form, FormErrors, Json, Origin, Page, Problem, Query, Routes, Secret, Validate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    consent::shown,
    provider, see,
    visitor::{Language, Visitor},
};
use crate::{Auth, NewAccount, SignUpError, account::account_sign_up};

const PAGE: &str = "auth/sign_up.html";

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct SignUpForm {
    name: String,
    email: String,
    password: Secret,
    consents: Vec<String>,
    next: Option<String>,
}

/// A mail is on its way, to the new account or to the owner of the one that there is: it is never said which.
#[derive(Serialize, ToSchema)]
pub(super) struct MailSent {
    pub(super) email: String,
}

/// Its fields are checked together with the password policy, which a body alone does not know.
impl Validate for NewAccount {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sign-up", show)
        .post("/sign-up", submit)
        .post("/api/v1/auth/sign-up", sign_up)
        .about("Makes an account and mails a link to confirm its address")
}

fn context(auth: &Auth, page: &Page, next: Option<&str>, ticked: &[String], form: impl Serialize) -> Value {
    let documents: Vec<Value> = auth
        .documents()
        .iter()
        .map(|document| {
            let mut shown = shown(document, page);
            shown["ticked"] = ticked.contains(&document.tag()).into();
            shown
        })
        .collect();
    let (minimum, providers) = (auth.policy().minimum(), provider::offered(auth));
    json!({ "minimum": minimum, "next": next, "documents": documents, "form": form, "providers": providers })
}

/// Where somebody came from, and the address that they were asked to come with, such as an invitation's. It is a proposal: they may change it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Way {
    next: Option<String>,
    email: String,
}

async fn show(State(auth): State<Auth>, Visitor(visitor): Visitor, Query(query): Query<Way>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(query.next.as_deref());
    if visitor.is_some() {
        return Ok(see(next.as_deref().unwrap_or(auth.home())));
    }
    let form = page.form(&[("email", &query.email)], &FormErrors::default());
    Ok(page.render(PAGE, context(&auth, &page, next.as_deref(), &[], form))?.into_response())
}

async fn submit(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    page: Page,
    Form(form): Form<SignUpForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let new = NewAccount { name: form.name.clone(), email: form.email.clone(), password: form.password, consents: form.consents.clone() };
    match account_sign_up(&auth, origin, new, &auth.letters(locale, next.clone())).await {
        Ok(email) => {
            let context = json!({ "email": email.as_str(), "resent": false });
            Ok(page.render("auth/verify_sent.html", context)?.into_response())
        }
        Err(SignUpError::Refused(refused)) => {
            let consents = form.consents;
            let form = page.form(&[("name", &form.name), ("email", &form.email)], &refused.form_errors());
            page.refuse(PAGE, context(&auth, &page, next.as_deref(), &consents, form))
        }
        Err(error) => Err(error.into()),
    }
}

async fn sign_up(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    Json(new): Json<NewAccount>,
) -> Result<Accepted<MailSent>, Problem> {
    let email = account_sign_up(&auth, origin, new, &auth.letters(locale, None)).await?;
    Ok(Accepted(MailSent { email: email.as_str().to_owned() }))
}
