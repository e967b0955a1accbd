//! TEN-06 in a real browser: a colleague is invited and comes, each in a browser of their own.

use super::{Chromium, Driver, PASSWORD, Page, Product, becomes_a_user, follows_mail};

async fn is_well(page: &Page, name: &str, dark: bool) {
    page.fits(name).await;
    page.is_readable(name, dark).await;
    page.shot(name).await;
}

/// On a phone in the dark, and on a desktop in the light.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleague_is_invited_and_joins() {
    for dark in [true, false] {
        let (product, driver) = (Product::start().await, Driver::start().await);
        let kind = Chromium { phone: dark, dark, ..Chromium::default() };
        let name = if dark { "invitation-phone-dark" } else { "invitation-desktop" };
        let owner = driver.browse(&kind, &product.server.url, name).await;
        becomes_a_user(&owner).await;
        owner.fill("name", "Müller & Söhne").await;
        owner.press("main form .button").await;
        owner.wait("main a[href='/agents/new']").await;
        owner.open("/members").await;
        owner.press("main a[href='/members/invite']").await;
        is_well(&owner, "invite", dark).await;
        owner.fill("emails", "grace@example.com, nobody").await;
        owner.press("main form[action^='/members/invite'] .button.primary").await;
        owner.wait("main [role='status'] .pill.good").await;
        is_well(&owner, "invite-done", dark).await;
        owner.open("/members").await;
        owner.wait("form[action*='/invitations/']").await;
        is_well(&owner, "members-waiting", dark).await;

        let grace = driver.browse(&kind, &product.server.url, name).await;
        follows_mail(&grace, "/invitation?token=").await;
        grace.wait("main a[href^='/sign-up?email=']").await;
        is_well(&grace, "invitation-stranger", dark).await;
        // In the browser of somebody else it says so.
        let link = grace.path().await;
        owner.open(&link).await;
        owner.wait("main form[action='/sign-out']").await;
        is_well(&owner, "invitation-other", dark).await;

        grace.press("main a[href^='/sign-up?email=']").await;
        grace.fill("name", "Grace Hopper").await;
        grace.fill("email", "grace@example.com").await;
        grace.fill("password", PASSWORD).await;
        grace.press("main form .button").await;
        grace.wait("a[href='/dev/mail']").await;
        follows_mail(&grace, "/verify?token=").await;
        grace.fill("password", PASSWORD).await;
        grace.press("main form .button.primary").await;
        grace.wait("main form[action='/invitation']").await;
        is_well(&grace, "invitation", dark).await;
        grace.press("main form[action='/invitation'] .button").await;
        grace.wait("a[href='/devices'][aria-current]").await;
        is_well(&grace, "joined", dark).await;
        grace.open("/members").await;
        let members = grace.text("main table").await;
        assert!(members.contains("Grace Hopper") && members.contains("Ada Lovelace"), "{members}");
        grace.open(&link).await;
        is_well(&grace, "invitation-over", dark).await;
        assert!(!grace.has("main form[action='/invitation']").await, "it works once");
        grace.close().await;
        owner.close().await;
    }
}
