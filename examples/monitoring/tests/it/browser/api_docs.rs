//! The interactive documentation, as whoever writes a program reads it.

use super::{
    Product,
    chromium::{Chromium, Driver},
};

/// API-01: it comes out of the binary, works under its own content policy, and shows the operations of the document.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_interactive_documentation_shows_every_group_of_operations() {
    let (product, driver) = (Product::start().await, Driver::start().await);
    let page = driver.browse(&Chromium::default(), &product.server.url, "api-docs").await;
    page.open("/api-docs").await;
    page.wait("#swagger-ui .opblock").await;
    let text = page.text("#swagger-ui").await;
    for part in ["/api/v1/devices", "/api/v1/audit", "Searches the audit log", "/api/v1/webhooks"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    page.shot("api-docs").await;
    page.press("[id$='get_audit'] button").await;
    page.wait("[id$='get_audit'] .parameters").await;
    let operation = page.text("[id$='get_audit']").await;
    assert!(operation.contains("resource") && operation.contains("limit"), "{operation}");
    page.shot("api-docs-operation").await;
    assert_eq!(page.complaints().await, Vec::<String>::new());
    page.close().await;
}
