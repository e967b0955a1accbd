//! How many mails, and how many seats.

use async_trait::async_trait;
use chrono::TimeDelta;
use http::StatusCode;
use saas_core::{Clock, Problem, ProblemType, TenantTx};
use saas_tenancy::{Role, Seats};
use serde_json::json;

use super::{accept, email, events, invite, members, outcomes, send, waiting};
use crate::app::App;

/// Topic 12: whatever an organization does, an address is not flooded by it.
#[tokio::test]
async fn an_address_gets_three_mails_a_day_however_they_are_asked_for() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let address = "victim@example.com";
    invite(&app, &owner, address, Role::Member).await;
    let id = waiting(&owner).await[0]["id"].as_str().unwrap().to_owned();
    let again = format!("/api/v1/invitations/{id}/send");
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(owner.post(&again, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(owner.delete(&format!("/api/v1/invitations/{id}")).await.status, StatusCode::NO_CONTENT);
    clock.advance(TimeDelta::seconds(1));
    let last = invite(&app, &owner, "VICTIM@example.com", Role::Member).await;
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(outcomes(&send(&owner, &[address, "other@example.com"], Role::Viewer).await), ["too_often", "invited"]);
    assert_eq!(owner.post(&again, &json!({})).await.status, StatusCode::TOO_MANY_REQUESTS);
    let page = owner.form(&format!("/members/invitations/{id}/send"), &[]).await;
    assert!(page.status == StatusCode::TOO_MANY_REQUESTS && page.text().contains("Try again tomorrow"), "{}", page.text());
    let mails = app.mailbox.all().await.iter().filter(|mail| mail.to.eq_ignore_ascii_case(address)).count();
    assert_eq!(mails, 3);
    let seen = app.stranger().page(&format!("/invitation?token={last}")).await;
    assert_eq!(seen.status, StatusCode::OK, "the link that they have works on");
    clock.advance(TimeDelta::days(1));
    assert_eq!(owner.post(&again, &json!({})).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_organization_sends_two_hundred_mails_a_day() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    for batch in 0..4 {
        let addresses: Vec<String> = (0..50).map(|number| format!("person{number}@batch{batch}.example.com")).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        assert_eq!(outcomes(&send(&owner, &addresses, Role::Viewer).await), ["invited"; 50]);
    }
    assert_eq!(outcomes(&send(&owner, &["late@example.com", "nobody"], Role::Viewer).await), ["too_many", "no_address"]);
    let foreign = app.client(app.member(other, Role::Owner).await).await;
    assert_eq!(outcomes(&send(&foreign, &["late@example.com"], Role::Viewer).await), ["invited"], "another's are its own");
}

/// Takes its time between counting and taking, as a real one would.
struct AtMost(u32);

#[async_trait]
impl Seats for AtMost {
    async fn take_in(&self, tx: &mut TenantTx, taken: u32) -> Result<(), Problem> {
        sqlx::query("select pg_sleep(0.01)").execute(&mut **tx).await.map_err(saas_core::DbError::from)?;
        if taken < self.0 { Ok(()) } else { Err(Problem::new(&ProblemType::LIMIT_REACHED)) }
    }
}

/// What is due is not paid.
struct Unpaid;

#[async_trait]
impl Seats for Unpaid {
    async fn take_in(&self, _: &mut TenantTx, _: u32) -> Result<(), Problem> {
        Err(Problem::new(&ProblemType::PAYMENT_OVERDUE))
    }
}

/// Whoever is kept out because of money is not told that there is no seat.
#[tokio::test]
async fn whoever_comes_while_the_plan_is_locked_is_told_so() {
    let app = App::with(Clock::system(), |tenancy| tenancy.seats(Unpaid)).await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let user = app.person().await;
    let token = invite(&app, &owner, &email(user), Role::Member).await;
    let page = app.client(user).await.form("/invitation", &[("token", &token)]).await;
    assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED);
    assert!(page.text().contains("takes nobody in for now") && !page.text().contains("no free seat"), "{}", page.text());
}

/// BIL: of twenty who come at once into an organization with three free seats, three get one; the others' links work when there is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_are_exact_however_many_come_at_once() {
    let app = App::with(Clock::system(), |tenancy| tenancy.seats(AtMost(4))).await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let user = app.person().await;
        let (token, client) = (invite(&app, &owner, &email(user), Role::Member).await, app.client(user).await);
        all.spawn(async move {
            let status = accept(&client, &token).await.status;
            (status, user, token)
        });
    }
    let done = all.join_all().await;
    assert_eq!(done.iter().filter(|(status, ..)| *status == StatusCode::OK).count(), 3, "{done:?}");
    let late: Vec<_> = done.iter().filter(|(status, ..)| *status == StatusCode::PAYMENT_REQUIRED).collect();
    assert_eq!((late.len(), members(&app, acme).await), (17, 4));
    assert_eq!(events(&app, "tenancy.member.joined").await.len(), 3);

    let (_, user, token) = late[0];
    let page = app.client(*user).await.form("/invitation", &[("token", token)]).await;
    assert!(page.status == StatusCode::PAYMENT_REQUIRED && page.text().contains("no free seat"), "{}", page.text());
    let (_, joined, _) = done.iter().find(|(status, ..)| *status == StatusCode::OK).unwrap();
    app.test.left(acme, *joined).await;
    assert_eq!(accept(&app.client(*user).await, token).await.status, StatusCode::OK, "somebody has left");
}
