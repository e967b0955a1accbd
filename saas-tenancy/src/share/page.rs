use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use saas_core::{Form, FormErrors, Html, Page, Problem, Reached, Resource, Routes, ShareLevel, TenantTx, UserId};
use serde::Deserialize;
use serde_json::json;

use super::{ShareError, Sharing, operations::thing_in, share_end_in, share_put_in, shares_in};
use crate::{MemberRead, member::members_in};

pub(super) fn routes<R: Resource>(sharing: Sharing) -> Routes<Sharing> {
    let path = format!("{}/people", sharing.path);
    let end = format!("{path}/remove");
    Routes::new().get(path.as_str(), show::<R>).post(path.as_str(), put_from_page::<R>).post(end.as_str(), end_from_page::<R>)
}

async fn show<R: Resource>(reached: Reached<R::Share, R>, State(sharing): State<Sharing>, page: Page) -> Result<Html, Problem> {
    let (tx, id) = reached.begin().await?;
    render::<R>(tx, &reached, id, sharing, &page, None).await
}

async fn render<R: Resource>(
    mut tx: TenantTx,
    reached: &Reached<R::Share, R>,
    id: R::Id,
    sharing: Sharing,
    page: &Page,
    error: Option<&'static str>,
) -> Result<Html, Problem> {
    let (standing, conditions) = (reached.standing(), reached.conditions());
    let thing = thing_in::<R>(&mut tx, conditions.person, id, false).await?;
    let shares = shares_in::<R>(&mut tx, id).await?;
    let level_label = |level: ShareLevel| page.text(&format!("tenancy-share-{}", level.as_str()));
    // Whoever may not see who belongs here picks nobody.
    let members = if standing.may::<MemberRead>() { members_in(&mut tx).await? } else { Vec::new() };
    let members: Vec<_> = members
        .iter()
        .filter(|member| conditions.person != Some(member.id))
        .map(|member| json!({ "value": member.id, "label": format!("{} ({})", member.name, member.email) }))
        .collect();
    let levels = ShareLevel::ALL.iter().filter(|level| thing.may_be_shared::<R>(standing, conditions, **level));
    let levels: Vec<_> = levels.map(|level| json!({ "value": level, "label": level_label(*level) })).collect();
    let people: Vec<_> = shares
        .iter()
        .map(|share| {
            json!({
                "id": share.user, "name": share.name, "email": share.email, "level": level_label(share.level), "shared_by": share.shared_by,
                "shared_at": share.shared_at,
            })
        })
        .collect();
    let errors = error.map(FormErrors::whole).unwrap_or_default();
    let context = json!({
        "title": thing.title, "back": sharing.at(id), "people": people, "members": members, "levels": levels, "form": page.form(&[], &errors),
    });
    page.render("tenancy/share.html", context)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareForm {
    user: UserId,
    level: ShareLevel,
}

async fn put_from_page<R: Resource>(
    reached: Reached<R::Share, R>,
    State(sharing): State<Sharing>,
    page: Page,
    Form(form): Form<ShareForm>,
) -> Result<Response, Problem> {
    let (mut tx, id) = reached.begin().await?;
    let put = share_put_in::<R>(&mut tx, (reached.standing(), reached.conditions()), id, form.user, form.level).await;
    answer(tx, put, &reached, id, sharing, &page).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndForm {
    user: UserId,
}

async fn end_from_page<R: Resource>(
    reached: Reached<R::Share, R>,
    State(sharing): State<Sharing>,
    page: Page,
    Form(form): Form<EndForm>,
) -> Result<Response, Problem> {
    let (mut tx, id) = reached.begin().await?;
    thing_in::<R>(&mut tx, None, id, false).await?;
    let ended = match share_end_in::<R>(&mut tx, reached.actor(), id, form.user).await {
        // Somebody else was quicker.
        Err(ShareError::NotFound) => Ok(()),
        ended => ended,
    };
    answer(tx, ended, &reached, id, sharing, &page).await
}

/// Back to the page; where it cannot be shared so, the page with the reason.
async fn answer<R: Resource>(
    tx: TenantTx,
    result: Result<(), ShareError>,
    reached: &Reached<R::Share, R>,
    id: R::Id,
    sharing: Sharing,
    page: &Page,
) -> Result<Response, Problem> {
    let reason = match result {
        Ok(()) => {
            tx.commit().await?;
            return Ok(Redirect::to(&format!("{}/people", sharing.at(id))).into_response());
        }
        Err(ShareError::NoMember) => "tenancy-share-error-member",
        Err(error) => return Err(error.into()),
    };
    let html = render::<R>(tx, reached, id, sharing, page, Some(reason)).await?;
    Ok((http::StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
}
