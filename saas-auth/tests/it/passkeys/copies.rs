//! A passkey that was copied, by its owner or by a thief.

use super::{ADA, Device, ada, asked_to_make, enter, events, last_mail, list, register, remove, with_passkeys};
use crate::{
    app::{App, PASSWORD, sign_in},
    passkeys::device::{BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED},
};

/// What is kept of the one passkey there is.
async fn kept(app: &App) -> serde_json::Value {
    sqlx::query_scalar("select credential -> 'cred' from auth.passkey").fetch_one(&mut *app.system().await).await.unwrap()
}

/// AUT-09: a counter that goes back shows that two have the key. Neither comes in any more, and its owner is told.
#[tokio::test]
async fn of_a_passkey_that_was_copied_neither_opens_the_account() {
    let app = with_passkeys().await;
    let (ada, mut device) = ada(&app).await;
    assert_eq!(enter(&app.browser(), &mut device).await.status, 200);
    assert_eq!(kept(&app).await["counter"], 2);
    let mut copy = device.clone();
    let thief = app.browser();
    assert_eq!(enter(&thief, &mut copy).await.status, 200, "until its owner comes, nobody can know");
    assert_eq!(enter(&app.browser(), &mut device).await.status, 401);
    for browser in [&ada, &thief] {
        assert_eq!(browser.get("/person").await.status, 401, "what began until then is over");
    }
    assert_eq!(
        last_mail(&app).await,
        (ADA.to_owned(), "A passkey of your account at Monitoring was copied and no longer works".to_owned())
    );
    for device in [&mut copy, &mut device] {
        device.counter += 10;
        assert_eq!(enter(&app.browser(), device).await.status, 401, "whatever its counter says");
    }
    assert_eq!((events(&app, "auth.passkey.copied").await, events(&app, "auth.sign_in.refused").await), (1, 3));

    assert_eq!(sign_in(&ada, ADA, PASSWORD, false).await.status, 200);
    let mine = list(&ada).await;
    assert_eq!(mine[0]["copied"], true);
    let page = ada.page("/account/security").await.text();
    assert!(page.contains("Somebody has a copy of this passkey"), "{page}");
    assert_eq!(remove(&ada, &mine[0]["id"]).await.status, 204);
}

/// One that is kept in several places by its owner counts nothing, and its flags are kept as they are now.
#[tokio::test]
async fn a_passkey_that_is_kept_in_several_places_does_not_count() {
    let app = with_passkeys().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let options = asked_to_make(&browser).await;
    let (mut device, _) = Device::make(&options);
    device.counter = 0;
    device.flags = PRESENT | VERIFIED | BACKUP_ELIGIBLE;
    assert_eq!(register(&browser, "In the cloud", &device.made(&options)).await.status, 201);
    assert_eq!(kept(&app).await["backup_state"], false);
    device.flags |= BACKED_UP;
    for _ in 0..3 {
        assert_eq!(enter(&app.browser(), &mut device.clone()).await.status, 200);
    }
    let kept = kept(&app).await;
    assert_eq!((&kept["backup_state"], &kept["counter"]), (&true.into(), &0.into()));
    assert_eq!(events(&app, "auth.passkey.copied").await, 0);
}
