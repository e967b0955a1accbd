use serde_json::json;

use crate::{
    app::{App, PASSWORD},
    mailbox::token,
};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// NOT-02: whoever has shown that the address is theirs is greeted, once, in their language and by the product; nobody before.
#[tokio::test]
async fn whoever_has_confirmed_their_address_is_greeted_once() {
    let app = App::new().await;
    let german = app.browser().with("accept-language", "de-AT");
    let account = json!({ "name": "Ada", "email": ADA, "password": PASSWORD });
    assert_eq!(german.post("/api/v1/auth/sign-up", &account).await.status, 202);
    let first = token(&app.mailbox.nth(1).await);
    german.post("/api/v1/auth/verify/resend", &json!({ "email": ADA })).await;
    let second = token(&app.mailbox.nth(2).await);
    assert!(app.mailbox.welcomes().await.is_empty(), "whoever signed up may be a stranger");
    for (token, status) in [(&first, 204), (&first, 422), (&second, 422)] {
        let answer = german.post("/api/v1/auth/verify", &json!({ "token": token, "password": PASSWORD })).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let [mail] = &app.mailbox.welcomes().await[..] else { panic!("one letter greets") };
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ADA, "Willkommen bei Monitoring"));
    // To where everybody goes who signs in.
    assert!(mail.text.contains("Guten Tag Ada") && mail.text.contains("http://localhost:3000/person"), "{}", mail.text);

    // Another password is another letter, and for whoever confirms the address by choosing it, both.
    app.sign_up(BOB).await;
    for (email, nth, greeted) in [(ADA, 4, 1), (BOB, 6, 2)] {
        app.browser().post("/api/v1/auth/reset", &json!({ "email": email })).await;
        let body = json!({ "token": token(&app.mailbox.nth(nth).await), "new_password": "another one of mine 7" });
        assert_eq!(app.browser().post("/api/v1/auth/reset/password", &body).await.status, 204);
        let changed = app.mailbox.nth(nth + 1).await;
        assert_eq!((changed.to.as_str(), changed.subject.as_str()), (email, "Your password at Monitoring was changed"));
        assert_eq!(app.mailbox.welcomes().await.len(), greeted, "{email}");
    }
    let mail = app.mailbox.welcomes().await.pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (BOB, "Welcome to Monitoring"));
}
