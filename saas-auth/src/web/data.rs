use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use chrono::TimeDelta;
use http::{HeaderValue, StatusCode, header};
use saas_core::{CurrentUser, FormErrors, Html, Page, Problem, Query, Routes, SignedIn};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{consent::shown, throttled};
use crate::{
    Auth, DataExportError,
    account::{account_has_password, consent_list, export_list},
    attempt::seconds,
};

/// For how long the page reads itself again while an export is packed: one that takes longer is mailed, and must keep no session alive.
const WATCHED: TimeDelta = TimeDelta::minutes(10);

#[derive(Default, Deserialize, ToSchema)]
struct Done {
    /// What was done just now.
    done: Option<String>,
}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new().get("/account/data", show)
}

/// What is known of a person, and what they can do about it.
async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Query(query): Query<Done>, page: Page) -> Result<Html, Problem> {
    let done = query.done.filter(|done| ["consent", "export"].contains(&done.as_str()));
    render(&auth, &me, &page, done.map(|done| page.text(&format!("auth-data-done-{done}"))), &FormErrors::default()).await
}

/// The page with what is wrong with the wish for an export.
pub(super) async fn with_export_error(auth: &Auth, me: &SignedIn, page: &Page, error: DataExportError) -> Result<Response, Problem> {
    match error {
        DataExportError::Refused(refused) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(auth, me, page, None, &refused.form_errors()).await?).into_response())
        }
        DataExportError::Throttled { wait } => {
            let page = render(auth, me, page, None, &throttled("auth-error-often", wait)).await?;
            Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, HeaderValue::from(seconds(wait)))], page).into_response())
        }
        error => Err(error.into()),
    }
}

async fn render(auth: &Auth, me: &SignedIn, page: &Page, done: Option<String>, errors: &FormErrors) -> Result<Html, Problem> {
    let consents = consent_list(auth, me).await?;
    let documents: Vec<Value> = auth
        .documents()
        .iter()
        .zip(&consents)
        .map(|(document, consent)| {
            let mut shown = shown(document, page);
            shown["holds"] = consent.holds.into();
            shown["last"] = json!(consent.last);
            shown
        })
        .collect();
    let (exports, since) = (export_list(auth, me).await?, auth.db().clock().now() - WATCHED);
    let context = json!({
        "documents": documents,
        "is_packed_now": exports.iter().any(|export| export.ready_at.is_none() && export.asked_at > since),
        "exports": exports,
        "has_password": account_has_password(auth, me.user).await?,
        "done": done,
        "form": page.form(&[], errors),
    });
    page.render("auth/data.html", context)
}
