//! TEN-05 in a real browser: an organization at a name of its own beneath `localhost`, which browsers find on this machine.

use saas_core::testing::EmptyDatabase;

use super::{Chromium, Driver, becomes_a_user};
use crate::process::{Settings, folder};

/// Nobody signs in a second time, and whoever signs out there has signed out everywhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_signed_in_is_so_at_their_organizations_host() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let settings =
        Settings::serving(folder.path()).set("DATABASE_URL", database.owner_url().expose()).set("SAAS_TENANT_HOSTS", "localhost");
    let (server, driver) = (settings.start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &server.url, "hosts").await;
    becomes_a_user(&page).await;
    page.fill("name", "Acme").await;
    page.press("main form .button").await;
    page.wait("a[href='/devices']").await;
    let port = server.url.rsplit(':').next().unwrap();
    page.go(&format!("http://acme.localhost:{port}/agents?a=b")).await;
    page.wait("main a[href='/agents/new']").await;
    assert_eq!(page.address().await, format!("http://acme.localhost:{port}/agents?a=b"));
    assert!(!page.has("form[action='/organizations/switch']").await);
    page.shot("organization").await;
    // What is written there is believed to be written there.
    page.press("main a[href='/agents/new']").await;
    page.fill("name", "Office").await;
    page.press("main form .button.primary").await;
    page.wait(".pill.wait").await;
    assert!(page.address().await.starts_with(&format!("http://acme.localhost:{port}/agents")));
    page.open("/sessions").await;
    page.wait_for_text("main", "acme.localhost").await;
    page.go(&format!("http://acme.localhost:{port}/agents")).await;
    page.press_inside(".top", "form[action='/sign-out'] button").await;
    page.wait("main [name='password']").await;
    assert!(page.address().await.starts_with(&format!("{}/sign-in", server.url)), "{}", page.address().await);
    page.open("/devices").await;
    page.wait("main [name='password']").await;
}
