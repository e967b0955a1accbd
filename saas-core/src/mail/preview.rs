//! Every letter with its sample data, for whoever writes one.

use std::collections::BTreeSet;

use axum::response::{IntoResponse as _, Response};
use http::header;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{DevMailbox, mailbox::only_here};
use crate::{
    ClientAddress, Html, Page, Problem, Query, Routes,
    pages::{Locale, Sample},
};

pub(super) fn routes() -> Routes<DevMailbox> {
    Routes::new().get("/dev/mail/preview", list).get("/dev/mail/preview/letter", show)
}

/// A letter as a document of its own: it may look as it likes and do nothing.
pub(super) fn letter(html: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'none'; sandbox allow-popups";
    ([(header::CONTENT_SECURITY_POLICY, policy)], axum::response::Html(html)).into_response()
}

async fn list(client: ClientAddress, page: Page) -> Result<Html, Problem> {
    only_here(client)?;
    let letters: Vec<_> = samples(&page)?.into_iter().map(|(name, sample)| json!({ "name": name, "sample": sample.name })).collect();
    let locales: BTreeSet<_> = Locale::ALL.iter().map(|locale| locale.tag()).collect();
    page.render("core/dev_mail_preview.html", json!({ "letters": letters, "locales": locales }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default)]
    sample: String,
    #[schema(value_type = String)]
    locale: Locale,
    #[serde(default)]
    text: bool,
}

async fn show(client: ClientAddress, Query(wanted): Query<Wanted>, page: Page) -> Result<Response, Problem> {
    only_here(client)?;
    let found = samples(&page)?.into_iter().find(|(name, sample)| *name == wanted.name && sample.name == wanted.sample);
    let (name, sample) = found.ok_or_else(Problem::not_found)?;
    let rendered = page.web().pages.letter(&name, wanted.locale, sample.context).map_err(Problem::internal)?;
    if wanted.text {
        return Ok(format!("{}\n\n{}", rendered.subject, rendered.text).into_response());
    }
    Ok(letter(rendered.html))
}

fn samples(page: &Page) -> Result<Vec<(String, Sample)>, Problem> {
    let samples = page.web().pages.samples().map_err(Problem::internal)?;
    Ok(samples.into_iter().filter_map(|sample| Some((sample.template.strip_suffix(".mjml")?.to_owned(), sample))).collect())
}
