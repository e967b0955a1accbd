use axum::body::Bytes;
use http::Method;
use saas_core::testing::{Answer, TestClient};

use crate::app::App;

const ADA: &str = "ada@example.com";
const AVATAR: &str = "/api/v1/me/avatar";

/// A PNG of 2 by 2 pixels.
fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(2, 2, image::Rgb([10, 120, 200])).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn send(client: &TestClient, method: Method, path: &str, name: &str, file: &[u8]) -> Answer {
    let mut body = format!("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: image/png\r\n\r\n")
        .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let accept = if path.starts_with("/api/") { "application/json" } else { "text/html" };
    client.call(method, path, accept, Some("multipart/form-data; boundary=x"), Bytes::from(body)).await
}

async fn put(client: &TestClient, file: &[u8]) -> Answer {
    send(client, Method::PUT, AVATAR, "me.png", file).await
}

/// AUT-14: a picture is served as what it was made into, to be kept by the browser alone, and never as a page.
#[tokio::test]
async fn a_picture_is_made_anew_and_may_be_kept_by_its_reader_alone() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let taken = put(&ada, &png()).await;
    assert_eq!(taken.status, 200, "{}", taken.text());
    for (size, side) in [("small", 64), ("large", 256)] {
        let path = taken.json()[size].as_str().unwrap().to_owned();
        let shown = ada.page(&path).await;
        assert_eq!(shown.status, 200);
        assert_eq!(shown.headers["content-type"], "image/jpeg");
        assert_eq!(shown.headers["cache-control"], "private, max-age=31536000, immutable");
        assert_eq!(shown.headers["x-content-type-options"], "nosniff");
        assert_eq!(shown.headers["content-security-policy"], "default-src 'none'; sandbox");
        let image = image::load_from_memory(&shown.body).unwrap();
        assert_eq!((image.width(), image.height()), (side, side));
    }
    let small = taken.json()["small"].clone();
    assert_eq!(ada.get("/api/v1/auth/me").await.json()["picture"], small);
    let escaped = small.as_str().unwrap().replace('/', "&#x2f;");
    assert!(ada.page("/sessions").await.text().contains(&format!("src=\"{escaped}\"")), "every page shows it");

    let second = put(&ada, &png()).await.json()["small"].clone();
    assert_ne!(second, small, "another picture has another address");
    assert_eq!(ada.get(small.as_str().unwrap()).await.status, 404);
    assert_eq!(app.count("select count(*) from auth.avatar").await, 1);
    for _ in 0..2 {
        assert_eq!(ada.json(Method::DELETE, AVATAR, &serde_json::json!({})).await.status, 204);
    }
    assert_eq!(ada.get(second.as_str().unwrap()).await.status, 404);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.avatar.changed'").await, 3);
}

/// AUT-14: what is wrong with a file is said, to programs and beside the form, and the picture that there was stays.
#[tokio::test]
async fn a_file_that_is_no_picture_is_refused_and_the_old_one_stays() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let first = put(&ada, &png()).await.json()["small"].clone();
    let whole = png();
    let huge = vec![0x89; 11 << 20];
    for (file, status, words) in [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice(), 415, "no picture of a kind"),
        (b"%PDF-1.7", 415, "no picture of a kind"),
        (b"", 415, "no picture of a kind"),
        (&whole[..whole.len() / 2], 422, "cannot be read"),
        (&huge, 413, "too large"),
    ] {
        assert_eq!(put(&ada, file).await.status, status);
        let page = send(&ada, Method::POST, "/account/avatar", "me.png", file).await;
        assert_eq!(page.status, status);
        assert!(page.text().contains(words) && page.text().contains("id=\"file-error\""), "{words}: {}", page.text());
    }
    assert_eq!(send(&ada, Method::POST, "/account/avatar", "", &png()).await.status, 422, "no file was chosen");
    assert_eq!(ada.post(AVATAR, &serde_json::json!({})).await.status, 405);
    assert_eq!(ada.json(Method::PUT, AVATAR, &serde_json::json!({})).await.status, 415);
    assert_eq!(ada.get("/api/v1/auth/me").await.json()["picture"], first);

    let sent = send(&ada, Method::POST, "/account/avatar", "../../<b>.png", &png()).await;
    assert_eq!((sent.status.as_u16(), sent.location()), (303, Some("/account?done=avatar")), "a name is not used");
    let removed = ada.form("/account/avatar/remove", &[]).await;
    assert_eq!((removed.status.as_u16(), removed.location()), (303, Some("/account")));
}

/// A face is for those who work with its owner: others are answered like one that never was.
#[tokio::test]
async fn a_picture_is_seen_by_its_owner_and_those_of_the_same_organization() {
    let app = App::new().await;
    let (ada_id, grace_id) = (app.account(ADA).await, app.account("grace@example.com").await);
    app.account("eve@example.com").await;
    let [ada, grace, eve] = [ADA, "grace@example.com", "eve@example.com"].map(|email| app.signed_in(email));
    let (ada, grace, eve) = (ada.await, grace.await, eve.await);
    let path = put(&ada, &png()).await.json()["large"].as_str().unwrap().to_owned();
    assert_eq!(grace.get(&path).await.status, 404);
    let tenant = app.test.tenant("acme").await;
    for user in [ada_id, grace_id] {
        app.test.member(tenant, user, "viewer").await;
    }
    assert_eq!((grace.get(&path).await.status.as_u16(), eve.get(&path).await.status.as_u16()), (200, 404));
    assert_eq!(app.browser().get(&path).await.status, 401);
    app.test.left(tenant, grace_id).await;
    assert_eq!(grace.get(&path).await.status, 404, "whoever has left sees it no more");
    for path in [path.replace("/256", "/255"), path.replace("/256", "/512"), "/avatars/x/64".to_owned()] {
        assert_eq!(ada.get(&path).await.status, 404, "{path}");
    }
}

/// Many at once wait for each other, and each is answered.
#[tokio::test(flavor = "multi_thread")]
async fn many_pictures_at_once_are_taken_a_few_at_a_time() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let sent: Vec<_> = (0..12)
        .map(|_| {
            let ada = ada.clone();
            tokio::spawn(async move { put(&ada, &png()).await.status })
        })
        .collect();
    for one in sent {
        assert_eq!(one.await.unwrap(), 200);
    }
    assert_eq!(app.count("select count(*) from auth.avatar").await, 1);
}
