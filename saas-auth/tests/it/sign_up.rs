use http::Method;
use saas_auth::PasswordPolicy;
use serde_json::json;

use crate::{
    app::{App, PASSWORD, plain, pointers, sign_in},
    mailbox::{link, token},
};

const FORM: [(&str, &str); 3] = [("name", "Ada Lovelace"), ("email", "Ada@Example.com"), ("password", PASSWORD)];

/// AUT-01, AUT-02: the way of a person with a browser.
#[tokio::test]
async fn a_person_signs_up_confirms_the_address_and_signs_in() {
    let app = App::new().await;
    let browser = app.browser();
    assert!(browser.page("/sign-up?next=/invitations/7").await.text().contains("value=\"&#x2f;invitations&#x2f;7\""));

    let invited = browser.page("/sign-up?email=ada%40example.com%22%3E&next=/invitations/7").await.text();
    assert!(invited.contains("value=\"ada@example.com&quot;&gt;\""), "the address that somebody was asked to come with: {invited}");

    let sent = browser.form("/sign-up", &[&FORM[..], &[("next", "/invitations/7")]].concat()).await;
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert!(sent.text().contains("Ada@example.com"), "{}", sent.text());
    assert_eq!(browser.cookie("__Host-session"), None, "nobody is signed in before the address is confirmed");

    let mail = app.mailbox.nth(1).await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("Ada@example.com", "Confirm your address for Monitoring"));
    assert!(mail.text.contains("http://localhost:3000/verify?token="), "{}", mail.text);
    assert!(mail.html.contains("href=\"http:"), "{}", mail.html);

    let page = browser.page(&link(&mail)).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Confirm your address"), "{}", page.text());
    let done = browser.form("/verify", &[("token", &token(&mail)), ("next", "/invitations/7"), ("password", PASSWORD)]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, Some("/invitations/7")), "{}", done.text());
    assert_eq!(browser.get("/person").await.text(), "Ada Lovelace", "whoever showed the password is signed in");

    let signed_in = browser.form("/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!((signed_in.status.as_u16(), signed_in.location()), (303, Some("/person")));
    assert_eq!(browser.get("/person").await.text(), "Ada Lovelace");
}

/// AUT-02: who has not confirmed the address is told so, and can have the mail again.
#[tokio::test]
async fn an_unconfirmed_person_signs_in_and_is_told_to_confirm() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let browser = app.browser();
    let answer = browser.form("/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), Some("/verify"));
    assert!(browser.page("/verify").await.text().contains("ada@example.com"));
    assert_eq!(browser.get("/api/v1/auth/me").await.json()["verified"], false);

    browser.form("/verify/resend", &[("email", "ada@example.com")]).await;
    let mail = app.mailbox.nth(2).await;
    let verified = app.browser().post("/api/v1/auth/verify", &json!({ "token": token(&mail), "password": PASSWORD })).await;
    assert_eq!(verified.status, 204);
    assert_eq!(browser.get("/api/v1/auth/me").await.json()["verified"], true, "the session knows at the next request");
    assert_eq!(browser.page("/verify").await.location(), Some("/welcome"));
}

/// AUT-01, topic 7: a stranger who tries an address learns nothing; its owner gets a mail.
#[tokio::test]
async fn a_known_address_is_not_given_away() {
    let app = App::new().await;
    let first = app.sign_up("ada@example.com").await;
    app.browser().post("/api/v1/auth/verify", &json!({ "token": token(&app.mailbox.nth(1).await), "password": PASSWORD })).await;
    let second = app.sign_up("ADA@example.com").await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202));
    assert_eq!(second.text().to_lowercase(), first.text());
    let names = |answer: &saas_core::testing::Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&first), names(&second));

    let mails = app.mailbox.all().await;
    assert_eq!(mails.len(), 2, "each gets one mail");
    assert_eq!(mails[1].to, "ada@example.com", "to the address as its owner wrote it");
    assert_eq!(mails[1].subject, "You already have an account at Monitoring");
    assert!(!mails[1].text.contains("token"), "{}", mails[1].text);
    assert_eq!(app.count("select count(*) from auth.account").await, 1);
    assert_eq!(app.count("select count(*) from core.user").await, 1, "no person is left over");

    let unknown = app.browser().form("/sign-up", &[("name", "Ada"), ("email", "eve@example.com"), ("password", PASSWORD)]).await;
    let known = app.browser().form("/sign-up", &[("name", "Ada"), ("email", "eve@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(plain(&unknown), plain(&known));
}

/// AUT-01, topic 8: whoever took the address first without owning it has neither its password nor a session once its owner comes.
#[tokio::test]
async fn an_earlier_sign_up_by_somebody_else_ends_when_the_owner_confirms() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let squatter = app.signed_in("ada@example.com").await;

    let body = json!({ "name": "Ada Lovelace", "email": "ada@example.com", "password": "what the owner chose 7" });
    app.browser().post("/api/v1/auth/sign-up", &body).await;
    let mail = app.mailbox.nth(2).await;
    let confirmed =
        app.browser().post("/api/v1/auth/verify", &json!({ "token": token(&mail), "password": "what the owner chose 7" })).await;
    assert_eq!(confirmed.status, 204, "{}", confirmed.text());

    assert_eq!(squatter.get("/api/v1/auth/me").await.status, 401, "the squatter's session is over");
    assert_eq!(sign_in(&app.browser(), "ada@example.com", PASSWORD, false).await.status, 401, "and so is their password");
    let owner = app.browser();
    assert_eq!(sign_in(&owner, "ada@example.com", "what the owner chose 7", false).await.status, 200);
    assert_eq!(owner.get("/person").await.text(), "Ada Lovelace");
    let earlier = token(&app.mailbox.nth(1).await);
    let late = app.browser().post("/api/v1/auth/verify", &json!({ "token": earlier, "password": PASSWORD })).await;
    assert_eq!(late.status, 422, "the link of the earlier sign-up is of no use any more");
}

#[tokio::test]
async fn a_second_sign_up_changes_neither_name_nor_password() {
    let app = App::new().await;
    app.account("ada@example.com").await;
    let body = json!({ "name": "Eve", "email": "ada@example.com", "password": "another long enough phrase" });
    app.browser().post("/api/v1/auth/sign-up", &body).await;
    assert_eq!(sign_in(&app.browser(), "ada@example.com", "another long enough phrase", false).await.status, 401);
    assert_eq!(app.signed_in("ada@example.com").await.get("/person").await.text(), "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_sign_up_with_one_address_at_once_one_gets_an_account() {
    let app = App::new().await;
    let attempts = (0..10).map(|_| {
        let browser = app.browser();
        tokio::spawn(async move {
            let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
            browser.post("/api/v1/auth/sign-up", &body).await.status
        })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        assert_eq!(attempt.await.unwrap(), 202);
    }
    assert_eq!(app.count("select count(*) from auth.account").await, 1);
    assert_eq!(app.count("select count(*) from core.user").await, 1);
    // Nobody has shown yet that the address is theirs, so each may be its owner; the limit of mails an hour holds.
    let mails = app.mailbox.all().await.len();
    assert!((1..=5).contains(&mails), "{mails}");
}

/// NOT-01: a letter is counted in the transaction that writes it, so the limit holds for those who ask at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_for_mail_at_once_no_more_than_five_an_hour_are_heard() {
    let app = App::new().await;
    app.sign_up("ada@example.com").await;
    let attempts = (0..20).map(|_| {
        let browser = app.browser();
        tokio::spawn(async move {
            let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
            browser.post("/api/v1/auth/sign-up", &body).await.status
        })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        attempt.await.unwrap();
    }
    assert_eq!(app.mailbox.all().await.len(), 5);
}

/// Every field at once, with a pointer each, and nothing stored.
#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_a_pointer_for_each_field() {
    let app = App::new().await;
    let long = "a".repeat(101);
    let long_password = format!("{PASSWORD} ").repeat(50);
    for (body, expected) in [
        (json!({}), vec!["/name", "/email", "/password"]),
        (json!({ "name": " ", "email": "ada", "password": "short" }), vec!["/name", "/email", "/password"]),
        (
            json!({ "name": "A\0da", "email": "ada@example.com\0", "password": format!("{PASSWORD}\0") }),
            vec!["/name", "/email", "/password"],
        ),
        (json!({ "name": "A\nda", "email": "ada@example.com", "password": PASSWORD }), vec!["/name"]),
        (json!({ "name": long, "email": "ada@example.com", "password": long_password }), vec!["/name", "/password"]),
        (json!({ "name": 7, "email": "ada@example.com", "password": PASSWORD }), vec!["/name"]),
        (json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD, "verified": true }), vec!["/verified"]),
    ] {
        let answer = app.browser().post("/api/v1/auth/sign-up", &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        assert_eq!(pointers(&answer), expected, "{body}: {}", answer.text());
    }
    assert_eq!(app.count("select count(*) from auth.account").await, 0);
    assert!(app.mailbox.all().await.is_empty());
}

#[tokio::test]
async fn a_bad_form_is_shown_again_as_it_was_filled_in_but_for_the_password() {
    let app = App::new().await;
    let fields = [("name", "Ada <b>"), ("email", "ada@example"), ("password", "short-secret"), ("next", "//evil.example")];
    let answer = app.browser().with("accept-language", "de").form("/sign-up", &fields).await;
    assert_eq!(answer.status, 422);
    let page = answer.text();
    for part in ["Ada &lt;b&gt;", "ada@example", "Geben Sie eine Adresse wie name@example.com ein."] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for part in ["short-secret", "evil.example"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
}

/// AUT-01: why a password is refused, in words.
#[tokio::test]
async fn a_weak_password_is_refused_with_its_reason() {
    let app = App::new().await;
    for (password, reason) in [
        ("elevenchars", "use at least 12 characters"),
        ("passwordpassword", "easy to guess"),
        ("Monitoring Lovelace", "Do not use your name or address"),
        ("", "Enter your password"),
    ] {
        let fields = [("name", "Ada Lovelace"), ("email", "ada@example.com"), ("password", password)];
        let answer = app.browser().form("/sign-up", &fields).await;
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.text().contains(reason), "{password}: {}", answer.text());
    }
}

#[tokio::test]
async fn another_policy_is_another_value() {
    let app = App::with(|builder| builder.password_policy(PasswordPolicy::classic())).await;
    let attempt = |password: &str| json!({ "name": "Ada", "email": "ada@example.com", "password": password });
    assert_eq!(app.browser().post("/api/v1/auth/sign-up", &attempt("abcdefg1")).await.status, 422);
    assert_eq!(app.browser().post("/api/v1/auth/sign-up", &attempt("Abcdefg1")).await.status, 202);
    assert!(app.browser().page("/sign-up").await.text().contains("At least 8 characters"));
}

#[tokio::test]
async fn what_is_no_sign_up_at_all_has_its_own_status() {
    let app = App::new().await;
    let call = async |content_type: &str, body: &str| {
        let body = body.to_owned().into();
        app.browser().call(Method::POST, "/api/v1/auth/sign-up", "application/json", Some(content_type), body).await.status.as_u16()
    };
    assert_eq!(call("text/plain", "{}").await, 415);
    assert_eq!(call("application/json", "{").await, 400);
    assert_eq!(call("application/json", &format!("\"{}\"", "a".repeat(2 << 20))).await, 413);
    assert_eq!(app.browser().delete("/api/v1/auth/sign-up").await.status, 405);
}

/// Topic 10: whatever the request calls us, links lead to where we are.
#[tokio::test]
async fn links_in_mails_begin_with_our_own_address_whatever_the_request_says() {
    let app = App::new().await;
    for (number, header) in [(1, "host"), (2, "x-forwarded-host"), (3, "x-host"), (4, "forwarded")] {
        let body = json!({ "name": "Ada", "email": format!("ada{number}@example.com"), "password": PASSWORD });
        let value = if header == "forwarded" { "host=evil.example" } else { "evil.example" };
        app.browser().with(header, value).post("/api/v1/auth/sign-up", &body).await;
        let mail = app.mailbox.nth(number).await;
        assert!(mail.text.contains("http://localhost:3000/verify") && !mail.text.contains("evil"), "{header}: {}", mail.text);
        assert!(!mail.html.contains("evil"), "{header}: {}", mail.html);
    }
}

#[tokio::test]
async fn mails_are_in_the_language_of_whoever_asked() {
    let app = App::new().await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    app.browser().with("accept-language", "de-AT").post("/api/v1/auth/sign-up", &body).await;
    let mail = app.mailbox.nth(1).await;
    assert!(mail.subject.starts_with("Bestätigen"), "{}", mail.subject);
}
