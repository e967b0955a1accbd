//! An organization's mail for people.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use serde_json::{Value, json};

use super::{
    MailWrite,
    brand::{Brand, BrandFields, brand_change_in, brand_in},
    desk::Desk,
};
use crate::{Can, Form, FormErrors, Html, Origin, Page, Path, Problem, Routes, TenantDb, UserId, pages::Locale};

pub(super) fn routes<S: Clone + Send + Sync + 'static>(desk: Desk) -> Routes<S> {
    Routes::new().get("/mail", show).post("/mail", change).post("/mail/undelivered/{user}/lift", lift).with_state(desk)
}

async fn context(desk: &Desk, db: &TenantDb, page: &Page, fields: Option<&BrandFields>, errors: &FormErrors) -> Result<Value, Problem> {
    let mut tx = db.begin().await?;
    let stored = BrandFields::of(&brand_in(&mut tx).await?);
    let undelivered = desk.undelivered_in(&mut tx).await?;
    let shown = fields.unwrap_or(&stored);
    let values = shown.each().map(|(field, value)| (field, value.unwrap_or_default()));
    let locales = Locale::ALL.map(|locale| json!({ "value": locale.tag(), "label": page.text(&format!("core-language-{locale}")) }));
    Ok(json!({ "form": page.form(&values, errors), "locales": locales, "undelivered": undelivered }))
}

async fn show(_: Can<MailWrite>, db: TenantDb, State(desk): State<Desk>, page: Page) -> Result<Html, Problem> {
    page.render("core/mail_settings.html", context(&desk, &db, &page, None, &FormErrors::default()).await?)
}

async fn change(
    can: Can<MailWrite>,
    db: TenantDb,
    State(desk): State<Desk>,
    page: Page,
    Form(fields): Form<BrandFields>,
) -> Result<Response, Problem> {
    let brand = match Brand::try_from(&fields) {
        Ok(brand) => brand,
        Err(wrong) => return page.refuse("core/mail_settings.html", context(&desk, &db, &page, Some(&fields), &wrong.into()).await?),
    };
    let mut tx = db.begin().await?;
    brand_change_in(&mut tx, can.actor(), &brand).await?;
    tx.commit().await?;
    Ok(Redirect::to("/mail").into_response())
}

async fn lift(
    can: Can<MailWrite>,
    db: TenantDb,
    origin: Origin,
    State(desk): State<Desk>,
    Path(user): Path<UserId>,
) -> Result<Redirect, Problem> {
    desk.lift(&db, can.actor(), origin, user).await?;
    Ok(Redirect::to("/mail"))
}
