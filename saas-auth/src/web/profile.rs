use std::str::FromStr;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{CurrentUser, Form, FormErrors, Html, Json, Origin, Page, Problem, Query, Routes, SignedIn, TimeZone, pages::Locale};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::see;
use crate::{
    Auth, Profile, ProfileError,
    account::{email_change_waiting, profile_set},
    picture::{ACCEPT, MAX_BYTES},
    refused::{self, Refusal, Refused},
};

const PAGE: &str = "auth/account.html";

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/account", show)
        .post("/account", submit)
        .post("/account/check", check)
        .get("/api/v1/me/profile", read)
        .about("Says what the person who is signed in is called and how they want to be addressed")
        .put("/api/v1/me/profile", replace)
        .about("Changes it")
}

/// The fields as a browser sends them: the empty choice leaves it to the device.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ProfileForm {
    name: String,
    locale: String,
    time_zone: String,
    theme: String,
}

impl From<Profile> for ProfileForm {
    fn from(profile: Profile) -> Self {
        Self {
            name: profile.name,
            locale: profile.locale.map(|locale| locale.to_string()).unwrap_or_default(),
            time_zone: profile.time_zone.map(|zone| zone.to_string()).unwrap_or_default(),
            theme: profile.theme.as_str().to_owned(),
        }
    }
}

impl ProfileForm {
    fn read(&self) -> Result<Profile, Refused> {
        let mut refused = Refused::default();
        // The name is looked at with the rest, so that all that is wrong is said at once.
        let name = refused.take("name", refused::name(&self.name));
        let locale = refused.take("locale", chosen(&self.locale));
        let time_zone = refused.take("time_zone", chosen(&self.time_zone));
        let theme = refused.take("theme", self.theme.parse().map_err(|_| Refusal::Choice));
        match (name, locale, time_zone, theme) {
            (Some(name), Some(locale), Some(time_zone), Some(theme)) => Ok(Profile { name, locale, time_zone, theme }),
            _ => Err(refused),
        }
    }

    fn values(&self) -> [(&'static str, &str); 4] {
        [("name", &self.name), ("locale", &self.locale), ("time_zone", &self.time_zone), ("theme", &self.theme)]
    }
}

/// One of a list, or none.
fn chosen<T: FromStr>(text: &str) -> Result<Option<T>, Refusal> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| Refusal::Choice) }
}

/// What has just been done, to say so.
#[derive(Debug, Deserialize, ToSchema)]
struct Done {
    done: Option<String>,
}

async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Query(query): Query<Done>, page: Page) -> Result<Html, Problem> {
    let done = query.done.filter(|done| matches!(done.as_str(), "avatar" | "email" | "profile"));
    let shown = Shown { done: done.map(|done| page.text(&format!("auth-account-done-{done}"))), ..Shown::default() };
    render(&auth, &me, &page, &Profile::of(&me).into(), shown).await
}

async fn submit(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    page: Page,
    Form(form): Form<ProfileForm>,
) -> Result<Response, Problem> {
    let set = match form.read() {
        Ok(profile) => profile_set(&auth, origin, &me, profile).await,
        Err(refused) => Err(ProfileError::Refused(refused)),
    };
    match set {
        Ok(_) => Ok(see("/account?done=profile")),
        Err(ProfileError::Refused(refused)) => {
            let shown = Shown { errors: refused.form_errors(), ..Shown::default() };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&auth, &me, &page, &form, shown).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Fields that somebody is filling in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Touched {
    name: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
    email: Option<String>,
}

/// What is wrong with fields that were touched so far, for the script. Changes nothing.
async fn check(_: CurrentUser, page: Page, Form(touched): Form<Touched>) -> Result<Response, Problem> {
    let Touched { name, locale, time_zone, email } = touched;
    let mut refused = Refused::default();
    name.and_then(|name| refused.take("name", refused::name(&name)));
    locale.and_then(|locale| refused.take("locale", chosen::<Locale>(&locale)));
    time_zone.and_then(|zone| refused.take("time_zone", chosen::<TimeZone>(&zone)));
    email.and_then(|email| refused.take("email", refused::email(&email)));
    let form = page.form(&[], &refused.form_errors());
    Ok(page.render("auth/fragments/field_errors.html", json!({ "form": form }))?.into_response())
}

async fn read(CurrentUser(me): CurrentUser) -> Json<Profile> {
    Json(Profile::of(&me))
}

async fn replace(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    origin: Origin,
    Json(new): Json<Profile>,
) -> Result<Json<Profile>, Problem> {
    Ok(Json(profile_set(&auth, origin, &me, new).await?))
}

/// The page with the form for another address as it was filled in.
pub(super) async fn with_email_form(auth: &Auth, me: &SignedIn, page: &Page, email: &str, errors: FormErrors) -> Result<Html, Problem> {
    let shown = Shown { email, email_errors: errors, ..Shown::default() };
    render(auth, me, page, &Profile::of(me).into(), shown).await
}

/// The page with what is wrong with a picture.
pub(super) async fn with_avatar_error(auth: &Auth, me: &SignedIn, page: &Page, error: String) -> Result<Html, Problem> {
    let shown = Shown { avatar_error: Some(error), ..Shown::default() };
    render(auth, me, page, &Profile::of(me).into(), shown).await
}

/// What the page says beside the profile.
#[derive(Debug, Default)]
struct Shown<'a> {
    errors: FormErrors,
    avatar_error: Option<String>,
    email: &'a str,
    email_errors: FormErrors,
    done: Option<String>,
}

async fn render(auth: &Auth, me: &SignedIn, page: &Page, form: &ProfileForm, shown: Shown<'_>) -> Result<Html, Problem> {
    let change = email_change_waiting(auth, me).await?;
    let locales: Vec<_> = Locale::ALL.iter().map(|locale| option(locale.tag(), &page.text(&format!("auth-locale-{locale}")))).collect();
    page.render(
        PAGE,
        json!({
            "form": page.form(&form.values(), &shown.errors),
            "locales": locales,
            "time_zones": time_zones(&form.time_zone),
            "done": shown.done,
            "avatar_error": shown.avatar_error,
            "accept": ACCEPT,
            "max_megabytes": MAX_BYTES >> 20,
            "verified": me.verified,
            "change": change,
            "email_form": page.form(&[("email", shown.email)], &shown.email_errors),
        }),
    )
}

fn option(value: &str, label: &str) -> Value {
    json!({ "value": value, "label": label })
}

/// The places by part of the world. A zone that was chosen otherwise, under an older name, stands before them.
fn time_zones(chosen: &str) -> Vec<Value> {
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    for zone in TimeZone::all() {
        let Some((region, place)) = zone.place() else { continue };
        let place = option(zone.name(), &place);
        match groups.last_mut() {
            Some((last, places)) if *last == region => places.push(place),
            _ => groups.push((region, vec![place])),
        }
    }
    let others =
        [chosen].into_iter().filter(|name| name.parse::<TimeZone>().is_ok_and(|zone| zone.place().is_none() && zone != TimeZone::UTC));
    let first = others.map(|name| option(name, name)).chain([option(TimeZone::UTC.name(), "UTC")]);
    first.chain(groups.into_iter().map(|(region, places)| json!({ "label": region, "options": places }))).collect()
}
