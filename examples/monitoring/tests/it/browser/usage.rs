//! MET-05 in a real browser: the chart, on a phone in the dark, on a desktop in the light, and without scripts.

use std::time::Duration;

use sqlx::Connection as _;

use super::{Chromium, Driver, Page, Product, becomes_a_user, billing::is_well};

/// A month of requests that people and keys made, more by day than by night.
const MONTH: &str = "insert into data.usage_hour (tenant_id, meter, hour, by_kind, by_id, quantity)
    select m.tenant_id, 'api-requests', date_trunc('hour', now(), 'UTC') - h * interval '1 hour', who.kind, coalesce(who.id, m.user_id::text),
        1 + (who.much * (12 - abs(12 - h % 24)) * (1 + (h / 24 * 7) % 5))::bigint
    from core.member m, generate_series(1, 700) h,
        (values ('user', null, 3), ('key', '01970e7c-7a5b-7c3a-9a55-3f5f4f5f4f5f', 9), ('system', '', 1)) who (kind, id, much)";

/// Well to look at; the page is asked by a script, so without scripts it is only shown.
async fn shows(page: &Page, name: &str, phone: bool, scripts: bool) {
    if scripts { is_well(page, name, phone).await } else { page.shot(name).await }
}

async fn opens(page: &Page) {
    becomes_a_user(page).await;
    page.fill("name", "Müller & Söhne").await;
    page.press("main form .button").await;
    page.wait("main a[href='/agents/new']").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_is_seen_in_a_chart() {
    for (name, phone, scripts) in [("usage-phone-dark", true, true), ("usage-desktop", false, true), ("usage-plain", false, false)] {
        let (product, driver) = (Product::start().await, Driver::start().await);
        let page = driver.browse(&Chromium { phone, dark: phone, scripts, ..Chromium::default() }, &product.server.url, name).await;
        opens(&page).await;
        page.open("/usage").await;
        assert!(page.text("main").await.contains("Nothing was used"));
        shows(&page, "nothing", phone, scripts).await;

        // One request that is counted by the running program itself, and written within seconds.
        page.open("/api/v1/devices").await;
        let seen = async {
            while !page.has("main .chart").await {
                tokio::time::sleep(Duration::from_millis(500)).await;
                page.open("/usage").await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), seen).await.expect("it is written");
        assert!(page.text("main").await.contains("Ada Lovelace"));
        if scripts {
            // What is no page has no icon either.
            drop(page.complaints().await);
        }

        let mut owner = sqlx::PgConnection::connect(product.database.owner_url().expose()).await.unwrap();
        sqlx::query(MONTH).execute(&mut owner).await.unwrap();
        page.open("/billing").await;
        page.press("main a[href='/usage']").await;
        page.wait("main .chart rect").await;
        shows(&page, "month", phone, scripts).await;
        page.press("main details summary").await;
        page.wait("main details[open] td").await;
        shows(&page, "table", phone, scripts).await;

        page.open("/usage?meter=api-requests&by=key&per=hour").await;
        page.wait("main .chart rect").await;
        shows(&page, "hours", phone, scripts).await;
        if scripts {
            assert_eq!(page.complaints().await, Vec::<String>::new());
        }
        page.open("/usage?meter=api-requests&from=2026-05-05&to=2026-05-01&per=day").await;
        page.wait("main .field-error").await;
        shows(&page, "wrong", phone, scripts).await;
        page.close().await;
    }
}
