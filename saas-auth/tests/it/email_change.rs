use chrono::TimeDelta;
use http::Method;
use saas_core::{
    mail::Mail,
    testing::{Answer, TestClient},
};
use serde_json::{Value, json};

use crate::{
    app::{App, PASSWORD, plain, pointers, sign_in},
    mailbox::{link, token},
    second_factor::Holder,
};

const ADA: &str = "ada@example.com";
const NEW: &str = "countess@example.org";
const EMAIL: &str = "/api/v1/me/email";
const CONFIRM: &str = "/api/v1/me/email/confirm";

/// Somebody with an account and a browser in which they are signed in.
async fn ada(app: &App) -> TestClient {
    app.account(ADA).await;
    app.signed_in(ADA).await
}

async fn start(ada: &TestClient, email: &str) -> Answer {
    ada.json(Method::PUT, EMAIL, &json!({ "email": email })).await
}

/// Begins a change and gives the mails to the new and to the old address.
async fn started(app: &App, ada: &TestClient, email: &str) -> [Mail; 2] {
    let before = app.mailbox.all().await.len();
    let answer = start(ada, email).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let mut mails = app.mailbox.all().await.split_off(before);
    mails.sort_by_key(|mail| mail.to == ADA);
    mails.try_into().unwrap()
}

async fn confirm(browser: &TestClient, mail: &Mail) -> Answer {
    browser.post(CONFIRM, &json!({ "token": token(mail) })).await
}

fn is_dead(answer: &Answer) -> bool {
    answer.status == 422 && pointers(answer) == ["/token"]
}

async fn address(client: &TestClient) -> Value {
    client.get(EMAIL).await.json()["email"].clone()
}

/// AUT-14: both addresses have a say, in either order; then the new one signs in and the old one hears of it.
#[tokio::test]
async fn an_address_changes_when_both_mailboxes_have_confirmed_it_in_either_order() {
    for new_first in [true, false] {
        let app = App::new().await;
        let user = app.account(ADA).await;
        let tenant = app.test.tenant("acme").await;
        app.test.member(tenant, user, "viewer").await;
        let (ada, elsewhere) = (app.signed_in(ADA).await, app.signed_in(ADA).await);
        let [new, old] = started(&app, &ada, NEW).await;
        assert_eq!([new.to.as_str(), old.to.as_str()], [NEW, ADA]);
        assert!(old.text.contains(NEW), "{}", old.text);
        assert!(!new.text.contains(ADA) && !new.text.contains("Ada"), "the new mailbox may be a stranger's: {}", new.text);

        let (first, second) = if new_first { (&new, &old) } else { (&old, &new) };
        let half = confirm(&app.browser(), first).await;
        assert_eq!((half.status.as_u16(), half.json()), (200, json!({ "state": "waiting" })));
        assert!(is_dead(&confirm(&app.browser(), first).await), "one side cannot confirm for both");
        let waiting = ada.get(EMAIL).await.json();
        assert_eq!((&waiting["email"], &waiting["change"]["email"]), (&json!(ADA), &json!(NEW)));
        assert_eq!((&waiting["change"]["new_confirmed"], &waiting["change"]["old_confirmed"]), (&json!(new_first), &json!(!new_first)));
        assert_eq!(sign_in(&app.browser(), NEW, PASSWORD, false).await.status, 401, "half is nothing");

        assert_eq!(confirm(&ada, second).await.json(), json!({ "state": "changed" }));
        let now = ada.get(EMAIL).await.json();
        assert_eq!(now, json!({ "email": NEW, "verified": true, "change": null }));
        assert_eq!(elsewhere.get("/person").await.status, 401, "other sessions are over");
        assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401);
        assert_eq!(sign_in(&app.browser(), NEW, PASSWORD, false).await.status, 200);
        let notice = app.mailbox.all().await.pop().unwrap();
        assert_eq!((notice.to.as_str(), notice.subject.as_str()), (ADA, "Your address at Monitoring was changed"));
        assert!(notice.text.contains("opens it no more") && !notice.text.contains("/account/security"), "{}", notice.text);
        let seen: String = sqlx::query_scalar("select email from core.member").fetch_one(&mut *app.system().await).await.unwrap();
        assert_eq!(seen, NEW, "organizations see it");
        for mail in [&new, &old] {
            assert!(is_dead(&confirm(&app.browser(), mail).await));
        }
    }
}

/// AUT-14: without a script, from mail to mail; opening a link uses nothing (topic 10).
#[tokio::test]
async fn a_browser_changes_its_address_with_forms_alone() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let before = app.mailbox.all().await.len();
    let asked = ada.form("/account/email", &[("email", NEW)]).await;
    assert_eq!((asked.status.as_u16(), asked.location()), (303, Some("/account?done=email")));
    let page = ada.page("/account?done=email").await.text();
    assert!(page.contains(NEW) && page.contains("not opened yet"), "{page}");
    let mut mails = app.mailbox.all().await.split_off(before);
    mails.sort_by_key(|mail| mail.to == ADA);
    for mail in &mails {
        let first = app.browser().page(&link(mail)).await;
        assert_eq!(first.status, 200);
        assert_eq!(plain(&first), plain(&app.browser().page(&link(mail)).await), "a scanner that looks uses nothing");
    }
    let half = app.browser().form("/account/email/confirm", &[("token", &token(&mails[1]))]).await;
    assert!(half.status == 200 && half.text().contains("Half of it is done"), "{}", half.text());
    assert_eq!(app.browser().page(&link(&mails[1])).await.status, 410);
    let changed = ada.form("/account/email/confirm", &[("token", &token(&mails[0]))]).await;
    assert_eq!(changed.status, 303);
    let done = ada.page(changed.location().unwrap()).await;
    assert!(done.status == 200 && done.text().contains("The address is changed") && done.text().contains(NEW), "{}", done.text());
    let elsewhere = app.browser().page(changed.location().unwrap()).await.text();
    assert!(
        done.text().contains("All other browsers") && !elsewhere.contains("All other browsers"),
        "nobody is signed in there: {elsewhere}"
    );
}

/// Topics 6 and 8: fifty at once use one link, and one of them does.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_use_a_link_at_once_one_succeeds() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let [new, old] = started(&app, &ada, NEW).await;
    for (mail, state) in [(&old, "waiting"), (&new, "changed")] {
        let attempts: Vec<_> = (0..50)
            .map(|_| {
                let (browser, body) = (app.browser(), json!({ "token": token(mail) }));
                tokio::spawn(async move { browser.post(CONFIRM, &body).await })
            })
            .collect();
        let mut won = 0;
        for attempt in attempts {
            let answer = attempt.await.unwrap();
            if answer.status == 200 {
                assert_eq!(answer.json(), json!({ "state": state }));
                won += 1;
            } else {
                assert!(is_dead(&answer), "{}", answer.text());
            }
        }
        assert_eq!(won, 1, "{state}");
    }
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.account.email_changed'").await, 1);
    let notices = app.mailbox.all().await.into_iter().filter(|mail| mail.subject.contains("was changed")).count();
    assert_eq!(notices, 1);
}

/// Both links at the same moment: neither waits for the other for ever, and the address changes once.
#[tokio::test(flavor = "multi_thread")]
async fn both_links_at_once_change_the_address() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let [new, old] = started(&app, &ada, NEW).await;
    let (a, b) = (app.browser(), app.browser());
    let (one, two) = tokio::join!(confirm(&a, &new), confirm(&b, &old));
    let mut states = [one.json()["state"].clone(), two.json()["state"].clone()].map(|state| state.as_str().unwrap().to_owned());
    states.sort();
    assert_eq!(states, ["changed", "waiting"]);
    assert_eq!(sign_in(&app.browser(), NEW, PASSWORD, false).await.status, 200);
}

#[tokio::test]
async fn links_to_change_an_address_work_for_24_hours() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let [new, old] = started(&app, &ada, NEW).await;
    assert!([&new, &old].iter().all(|mail| mail.text.contains("24 hours")));
    app.later(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(confirm(&app.browser(), &new).await.status, 200);
    app.later(TimeDelta::seconds(1));
    assert!(is_dead(&confirm(&app.browser(), &old).await));
    assert_eq!(app.browser().page(&link(&old)).await.status, 410);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 200);
    let ada = app.signed_in(ADA).await;
    assert_eq!(ada.get(EMAIL).await.json()["change"], Value::Null, "nothing waits any more");
}

/// Topic 7: whether the new address has an account shows neither in the answer nor in the number of mails; its owner is told, without a link.
#[tokio::test]
async fn a_new_address_that_has_an_account_is_answered_like_any_other() {
    let app = App::new().await;
    app.account("grace@example.com").await;
    let ada = ada(&app).await;
    let mut seen = Vec::new();
    for email in ["grace@example.com", "nobody@example.com"] {
        let before = app.mailbox.all().await.len();
        let answer = start(&ada, email).await;
        let asked = ada.form("/account/email", &[("email", email)]).await;
        let page = plain(&ada.page("/account").await).replace(email, "");
        let mails = app.mailbox.all().await.split_off(before);
        assert_eq!(mails.iter().filter(|mail| mail.to == email).count(), 2, "{email}");
        seen.push((answer.status, answer.text().replace(email, ""), asked.status, page, mails.len()));
        if email == "grace@example.com" {
            let told = mails.iter().find(|mail| mail.to == email).unwrap();
            assert!(told.subject.starts_with("Somebody wants to use your address") && !told.text.contains("token"), "{told:?}");
            let old = mails.iter().rfind(|mail| mail.to == ADA).unwrap();
            assert_eq!(confirm(&app.browser(), old).await.json(), json!({ "state": "waiting" }), "and waits for ever");
            assert_eq!(ada.json(Method::DELETE, "/api/v1/me/email/change", &json!({})).await.status, 204);
        }
    }
    assert_eq!(seen[0], seen[1]);
}

/// AUT-14: somebody else confirms the address as theirs in between; the links lead nowhere, and both accounts stay as they are.
#[tokio::test]
async fn an_address_that_is_taken_meanwhile_stays_with_whoever_took_it() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let [new, old] = started(&app, &ada, NEW).await;
    assert_eq!(confirm(&app.browser(), &old).await.status, 200);
    app.account(NEW).await;
    assert!(is_dead(&confirm(&app.browser(), &new).await));
    assert_eq!(address(&app.signed_in(ADA).await).await, ADA);
    assert_eq!(address(&app.signed_in(NEW).await).await, NEW);
    assert_eq!(ada.get("/person").await.status, 200, "nobody was signed out");
}

/// Topic 8 (trojan identifier): whoever signed up with the address and never confirmed it neither blocks its owner nor keeps a way in.
#[tokio::test]
async fn a_sign_up_that_was_never_confirmed_gives_way_to_whoever_confirms() {
    let app = App::new().await;
    let ada = ada(&app).await;
    app.sign_up(NEW).await;
    let squatter = app.signed_in(NEW).await;
    let [new, old] = started(&app, &ada, NEW).await;
    for mail in [&old, &new] {
        assert_eq!(confirm(&app.browser(), mail).await.status, 200);
    }
    assert_eq!(squatter.get("/person").await.status, 401);
    assert_eq!(app.count("select count(*) from auth.account").await, 1);
    assert_eq!(app.count("select count(*) from core.user where state = 'deleted'").await, 1);
    assert_eq!(address(&app.signed_in(NEW).await).await, NEW);
}

/// Topic 8 (unexpired change of address): what an attacker began before the owner came back has no effect after it, whatever it was that made
/// the account the owner's again.
#[tokio::test]
async fn a_change_that_an_attacker_began_dies_with_the_password() {
    let app = App::new().await;
    let attacker = ada(&app).await;
    let [new, old] = started(&app, &attacker, "eve@example.net").await;
    assert_eq!(confirm(&app.browser(), &new).await.status, 200);
    // The owner gets another password, as by a reset.
    let mut tx = app.system().await;
    let other = app_hash(&app).await;
    sqlx::query("update auth.account set password_hash = $1 where email = $2").bind(other).bind(ADA).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(is_dead(&confirm(&app.browser(), &old).await), "not even the owner's own press of a button takes it up again");
    assert_eq!(app.browser().page(&link(&old)).await.status, 410);
    assert_eq!(attacker.get(EMAIL).await.json()["change"], Value::Null);

    // Whoever never confirmed the address that they signed up with cannot begin one.
    app.sign_up("victim@example.com").await;
    let attacker = app.signed_in("victim@example.com").await;
    let refused = start(&attacker, "eve@example.net").await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(attacker.form("/account/email", &[("email", NEW)]).await.status, 403);
}

/// Another password's hash, made by the application itself.
async fn app_hash(app: &App) -> String {
    app.account("spare@example.com").await;
    sqlx::query_scalar("select password_hash from auth.account where email = 'spare@example.com'")
        .fetch_one(&mut *app.system().await)
        .await
        .unwrap()
}

/// Whoever reads either mailbox can stop it, and so can the person; a second beginning takes the place of the first.
#[tokio::test]
async fn a_change_that_is_stopped_or_begun_anew_has_no_links_left() {
    let app = App::new().await;
    let ada = ada(&app).await;
    for side in 0..2 {
        let mails = started(&app, &ada, NEW).await;
        assert_eq!(confirm(&app.browser(), &mails[1 - side]).await.status, 200);
        let refused = app.browser().form("/account/email/refuse", &[("token", &token(&mails[side]))]).await;
        assert!(refused.status == 200 && refused.text().contains("The change is stopped"), "{}", refused.text());
        assert!(is_dead(&confirm(&app.browser(), &mails[side]).await));
        assert_eq!(app.browser().post("/api/v1/me/email/refuse", &json!({ "token": token(&mails[side]) })).await.status, 422);
    }
    let first = started(&app, &ada, NEW).await;
    let second = started(&app, &ada, "another@example.org").await;
    assert!(is_dead(&confirm(&app.browser(), &first[0]).await) && is_dead(&confirm(&app.browser(), &first[1]).await));
    assert_eq!(ada.form("/account/email/stop", &[]).await.status, 303);
    assert!(is_dead(&confirm(&app.browser(), &second[0]).await));
    assert_eq!(ada.json(Method::DELETE, "/api/v1/me/email/change", &json!({})).await.status, 204, "stopping twice is no error");
    assert_eq!(address(&ada).await, ADA);
}

/// AUT-14: bad input, to programs and to browsers.
#[tokio::test]
async fn what_cannot_be_an_address_is_refused_at_its_field() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let long = format!("a@{}.example", "a.".repeat(130));
    for email in ["", "ada@", long.as_str(), "a@b.example\r\nBcc: eve@example.com", ADA, " ADA@Example.com"] {
        let answer = start(&ada, email).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/email".to_owned()]), "{email:?}");
        let page = ada.form("/account/email", &[("email", email)]).await;
        assert!(page.status == 422 && page.text().contains("id=\"email-error\""), "{}", page.text());
    }
    assert_eq!(app.mailbox.all().await.len(), 1, "nothing was mailed but the first link");
    let never_was = "A".repeat(43);
    for text in ["", "x", never_was.as_str(), "a\0b"] {
        assert!(is_dead(&ada.post(CONFIRM, &json!({ "token": text })).await), "{text:?}");
        assert_eq!(ada.form("/account/email/confirm", &[("token", text)]).await.status, 410, "{text:?}");
        assert_eq!(ada.form("/account/email/refuse", &[("token", text)]).await.status, 410, "{text:?}");
    }
    assert_eq!(start(&app.browser(), NEW).await.status, 401);
}

/// ASVS 7.5.1: whoever finds a browser open does not take the account elsewhere, and whoever has a second factor shows that.
#[tokio::test]
async fn an_address_is_changed_soon_after_a_proof_alone() {
    let app = App::new().await;
    let holder = Holder::new(&app, ADA).await;
    let ada = &holder.browser;
    app.later(TimeDelta::minutes(10));
    let asked = start(ada, NEW).await;
    assert_eq!((asked.status.as_u16(), asked.json()["type"].clone()), (403, json!("/problems/step-up-required")));
    assert_eq!(asked.json()["methods"], json!(["totp", "backup_code"]));
    let form = ada.clone().with("referer", "http://localhost:3000/account").form("/account/email", &[("email", NEW)]).await;
    assert_eq!((form.status.as_u16(), form.location()), (303, Some("/account/prove?next=%2Faccount")));
    assert_eq!(app.mailbox.all().await.iter().filter(|mail| mail.to == NEW).count(), 0);
    assert_eq!(ada.post("/api/v1/auth/prove", &json!({ "code": holder.code(&app) })).await.status, 204);
    assert_eq!(start(ada, NEW).await.status, 202);
}

/// Whoever signs in without a password has an address all the same.
#[tokio::test]
async fn an_account_without_a_password_changes_its_address() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let mut tx = app.system().await;
    sqlx::query("update auth.account set password_hash = null").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    for mail in started(&app, &ada, NEW).await {
        assert_eq!(confirm(&ada, &mail).await.status, 200);
    }
    assert_eq!(address(&ada).await, json!(NEW));
}

/// Topic 10: nobody's mailbox is flooded with changes that are begun.
#[tokio::test]
async fn five_changes_are_begun_in_an_hour() {
    let app = App::new().await;
    let ada = ada(&app).await;
    for n in 0..5 {
        assert_eq!(start(&ada, &format!("n{n}@example.org")).await.status, 202);
        app.later(TimeDelta::minutes(1));
    }
    let refused = start(&ada, NEW).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "3300");
    assert_eq!(app.mailbox.all().await.len(), 11);
    app.later(TimeDelta::minutes(55));
    assert_eq!(start(&app.signed_in(ADA).await, NEW).await.status, 202);
}

/// Only hashes of the links are kept, and the audit log names no address.
#[tokio::test]
async fn links_are_kept_as_hashes_and_addresses_are_masked_in_the_log() {
    let app = App::new().await;
    let ada = ada(&app).await;
    let mails = started(&app, &ada, NEW).await;
    let rows: String =
        sqlx::query_scalar("select to_jsonb(t)::text from auth.email_change t").fetch_one(&mut *app.system().await).await.unwrap();
    assert!(mails.iter().all(|mail| !rows.contains(&token(mail))));
    for mail in &mails {
        confirm(&app.browser(), mail).await;
    }
    let log: Vec<(String, String)> =
        sqlx::query_as("select action, data::text from data.audit_entry where action like 'auth.%email%' order by id")
            .fetch_all(&mut *app.system().await)
            .await
            .unwrap();
    let actions: Vec<_> = log.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        ["auth.email_change.started", "auth.email_change.confirmed", "auth.email_change.confirmed", "auth.account.email_changed"]
    );
    assert!(log.iter().all(|(_, data)| !data.contains('@')), "{log:?}");
}
