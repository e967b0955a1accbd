use chrono::TimeDelta;
use http::Method;
use serde_json::json;

use crate::app::{App, PASSWORD, sign_in};

const ADA: &str = "ada@example.com";

/// AUT-02, AUT-03: what was over for 30 days is deleted, however it ended; what may still be used is not.
#[tokio::test]
async fn what_has_been_over_for_a_month_is_deleted_and_nothing_else() {
    let app = App::new().await;
    // A link that is used, one that nobody opens, a session that is ended, one of a day, and one of thirty; a change of address that gives way
    // to another, and that one.
    app.account(ADA).await;
    app.sign_up("late@example.com").await;
    app.signed_in(ADA).await.form("/sign-out", &[]).await;
    let ada = app.signed_in(ADA).await;
    for email in ["countess@example.org", "lovelace@example.org"] {
        let wanted = json!({ "email": email });
        assert_eq!(ada.json(Method::PUT, "/api/v1/me/email", &wanted).await.status, 202);
    }
    sign_in(&app.browser(), ADA, PASSWORD, true).await;
    let left = async || {
        let sessions = app.count("select count(*) from auth.session").await;
        let links = app.count("select count(*) from auth.email_token").await;
        (sessions, links, app.count("select count(*) from auth.email_change").await)
    };
    let swept_after = async |days, minutes| {
        app.later(TimeDelta::days(days) + TimeDelta::minutes(minutes));
        let mut swept = app.test.sweep().await;
        swept.remove("auth.attempt");
        swept.values().sum::<u64>()
    };
    assert_eq!(left().await, (3, 2, 2));
    assert_eq!(swept_after(30, -1).await, 0, "they are remembered for a month");
    let today = app.signed_in(ADA).await;
    assert_eq!(swept_after(0, 2).await, 3, "the link that was used, the session that was ended and the change that gave way");
    assert_eq!(left().await, (3, 1, 1));
    assert_eq!(swept_after(1, 0).await, 3, "the link that nobody opened, the session of a day and the change that nobody confirmed");
    assert_eq!(today.get("/person").await.status, 401);
    assert_eq!(swept_after(29, 0).await, 1, "the session of thirty days");
    let again = app.signed_in(ADA).await;
    assert_eq!(swept_after(0, 0).await, 0);
    assert_eq!(again.get("/person").await.status, 200);
    assert_eq!(left().await, (2, 0, 0));
}
