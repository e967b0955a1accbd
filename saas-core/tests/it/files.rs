//! Files: what is taken, who may read it, and what remains of it after an accident (OPS-07).

mod away;
mod bucket;
mod stubborn;

use std::{convert::Infallible, path::Path, sync::Arc};

use axum::{extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use chrono::Duration;
use futures_util::{StreamExt as _, stream};
use http::{Method, StatusCode};
use saas_core::{
    Actor, Clock, MasterKey, Permission as _, Principal, Routes, SessionId, SignedIn, Standing, TenantDb, TenantId, TenantStore as _,
    UserId,
    file::{FileError, FileOwner, FileRead, FileRules, FileWrite, Files, NewFile, Storage},
    finish,
    pages::Pages,
    testing::{Answer, TestApp, TestClient, TestDb},
    webhook::WebhookRead,
};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use bucket::Bucket;

struct Cabinet {
    test: TestDb,
    folder: TempDir,
    files: Files,
    app: TestApp,
    tenant: TenantId,
}

impl Cabinet {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(folder.path()).unwrap();
        Self::at(Storage::open(&url, []).unwrap(), folder, Clock::system()).await
    }

    async fn at(storage: Storage, folder: TempDir, clock: Clock) -> Self {
        let test = TestDb::at(&[], clock, 5).await.unwrap();
        let web = TestApp::web(&test, &Pages::builder().build().unwrap());
        let rules = FileRules { max_bytes: 300_000, ..FileRules::DOCUMENTS };
        let files = Files::new(storage.shown_in(&web.dependencies), &MasterKey::generate(), rules);
        let db = test.db.clone();
        let routes: Routes = files.routes();
        let routes = routes.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let db = db.clone();
            async move { member(db, request, next).await }
        }));
        let app = TestApp::new(finish(routes, web));
        let tenant = test.tenant("acme").await;
        Self { test, folder, files, app, tenant }
    }

    async fn person(&self, tenant: TenantId) -> TestClient {
        let user = self.test.user().await;
        self.test.member(tenant, user, "owner").await;
        let mut me = SignedIn::new(user, SessionId::new());
        me.email = tenant.to_string();
        self.app.acting(Principal::User(Arc::new(me)))
    }

    /// How many objects lie in the folder.
    fn objects(&self) -> usize {
        count(self.folder.path())
    }

    fn db(&self) -> TenantDb {
        self.test.db.tenant(self.tenant)
    }
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

/// What a tenancy layer does, for a person whose address says where they belong.
pub(crate) async fn member(db: saas_core::Db, mut request: Request, next: Next) -> Response {
    if let Some(Principal::User(me)) = request.extensions().get::<Principal>().cloned() {
        let tenant: TenantId = me.email.parse().unwrap();
        let standing = Standing {
            tenant,
            slug: "acme".into(),
            name: "Acme".into(),
            actor: Actor::User(me.user),
            role: "owner".into(),
            permissions: [FileRead::NAME, FileWrite::NAME, WebhookRead::NAME].into(),
            revision: None,
        };
        request.extensions_mut().insert(db.tenant(tenant).acting(me.user));
        request.extensions_mut().insert(standing);
    }
    next.run(request).await
}

async fn send(client: &TestClient, path: &str, name: &str, declared: &str, content: &[u8]) -> Answer {
    let mut body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--x\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {declared}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let accept = if path.starts_with("/api") { "application/json" } else { "text/html" };
    client.call(Method::POST, path, accept, Some("multipart/form-data; boundary=x"), body.into()).await
}

const PDF: &[u8] = b"%PDF-1.7\nquarterly figures of acme";

fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn link(client: &TestClient, id: &str) -> String {
    client.get(&format!("/api/v1/files/{id}")).await.json()["content"].as_str().unwrap().to_owned()
}

/// OPS-07
#[tokio::test]
async fn a_file_comes_back_as_it_was_sent() {
    let cabinet = Cabinet::new().await;
    let ada = cabinet.person(cabinet.tenant).await;
    let sent = send(&ada, "/api/v1/files", "C:\\plans\\Gr\u{f6}\u{df}e.pdf", "image/png", PDF).await;
    assert_eq!((sent.status, &sent.json()["name"]), (StatusCode::CREATED, &Value::from("Gr\u{f6}\u{df}e.pdf")));
    assert_eq!(sent.json()["media_type"], "application/pdf", "what it is, its bytes say");

    let answer = ada.get(&link(&ada, &id(&sent)).await).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, PDF));
    let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(header("content-length"), PDF.len().to_string());
    assert_eq!(header("content-disposition"), "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf");
    assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("cache-control").contains("no-store"), "{}", header("cache-control"));

    let page = ada.page("/files").await.text();
    assert!(page.contains("Gr\u{f6}\u{df}e.pdf") && page.contains("34 B"), "{page}");
    assert_eq!(ada.page(&format!("/files/{}", id(&sent))).await.location().map(|to| to.contains("signature=")), Some(true));
}

/// OPS-07
#[tokio::test]
async fn what_is_not_taken_is_refused_and_leaves_nothing() {
    let cabinet = Cabinet::new().await;
    let ada = cabinet.person(cabinet.tenant).await;
    let large = vec![b'a'; 300_001];
    let larger = vec![b'a'; 500_000];
    for (status, name, declared, content) in [
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "page.pdf", "application/pdf", b"<!DOCTYPE html><script>alert(1)</script>".as_slice()),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "tool.txt", "text/plain", b"MZ\x90\x00\x03"),
        (StatusCode::PAYLOAD_TOO_LARGE, "large.txt", "text/plain", &large),
        (StatusCode::PAYLOAD_TOO_LARGE, "larger.txt", "text/plain", &larger),
        (StatusCode::UNPROCESSABLE_ENTITY, "", "text/plain", b"x"),
        (StatusCode::UNPROCESSABLE_ENTITY, "..", "text/plain", b"x"),
    ] {
        let api = send(&ada, "/api/v1/files", name, declared, content).await;
        assert_eq!(api.status, status, "{name}: {}", api.text());
        assert!(api.json()["type"].is_string());
        let page = send(&ada, "/files", name, declared, content).await;
        assert_eq!(page.status, status, "{name}");
        assert!(page.text().contains("role=\"alert\""), "{name}");
    }
    let cut_off = Bytes::from_static(b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf");
    let answer = ada.call(Method::POST, "/api/v1/files", "application/json", Some("multipart/form-data; boundary=x"), cut_off).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    let json = ada.post("/api/v1/files", &Value::Null).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(ada.get("/api/v1/files").await.json()["items"], Value::Array(Vec::new()));
    assert_eq!(cabinet.objects(), 0);
}

/// T84, OPS-07: another tenant, another person, the end of the link, the end of the file.
#[tokio::test]
async fn a_link_leads_its_reader_alone_and_not_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&Url::from_directory_path(folder.path()).unwrap(), []).unwrap();
    let clock = Clock::fixed(NOON.parse().unwrap());
    let cabinet = Cabinet::at(storage, folder, clock.clone()).await;
    let ada = cabinet.person(cabinet.tenant).await;
    let grace = cabinet.person(cabinet.tenant).await;
    let other = cabinet.test.tenant("other").await;
    let eve = cabinet.person(other).await;

    let first = id(&send(&ada, "/api/v1/files", "a.pdf", "", PDF).await);
    let second = id(&send(&ada, "/api/v1/files", "b.pdf", "", PDF).await);
    let address = link(&ada, &first).await;
    assert_eq!(ada.get(&address).await.status, StatusCode::OK);
    for (who, client, address) in [
        ("another tenant", &eve, address.clone()),
        ("another person", &grace, address.clone()),
        ("another file", &ada, address.replace(&first, &second)),
        ("a later end", &ada, address.replace("expires=", "expires=9")),
        ("another signature", &ada, format!("{address}A")),
    ] {
        assert_eq!(client.get(&address).await.status, StatusCode::NOT_FOUND, "{who}");
    }
    for path in ["", "/content?expires=1&signature=x"] {
        let mine = eve.get(&format!("/api/v1/files/{first}{path}")).await;
        let nobodys = eve.get(&format!("/api/v1/files/{}{path}", UserId::new())).await;
        assert_eq!((mine.status, &mine.body), (StatusCode::NOT_FOUND, &nobodys.body));
    }
    assert_eq!(eve.delete(&format!("/api/v1/files/{first}")).await.status, StatusCode::NOT_FOUND);

    clock.advance(Duration::minutes(15));
    assert_eq!(ada.get(&address).await.status, StatusCode::NOT_FOUND, "expired");
    let address = link(&ada, &first).await;
    assert_eq!(ada.delete(&format!("/api/v1/files/{first}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ada.get(&address).await.status, StatusCode::NOT_FOUND, "deleted");
    assert_eq!(cabinet.app.browser().get(&address).await.status, StatusCode::INTERNAL_SERVER_ERROR, "no layer let a stranger in");
}

/// OPS-07, AUD-01: who added what and who deleted it is in the log.
#[tokio::test]
async fn files_that_come_and_go_are_in_the_log() {
    let cabinet = Cabinet::new().await;
    let ada = cabinet.person(cabinet.tenant).await;
    let file = id(&send(&ada, "/api/v1/files", "a.pdf", "", PDF).await);
    assert_eq!(send(&ada, "/api/v1/files", "b.pdf", "", b"MZ\x90\x00\x03").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(ada.delete(&format!("/api/v1/files/{file}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ada.delete(&format!("/api/v1/files/{file}")).await.status, StatusCode::NOT_FOUND);
    let mut tx = cabinet.db().begin().await.unwrap();
    let logged = "select concat_ws(' ', action, actor_kind, resource, data) from audit_entry order by id";
    let logged: Vec<String> = sqlx::query_scalar(logged).fetch_all(&mut *tx).await.unwrap();
    let added = r#"{"bytes":34,"media_type":"application/pdf","name":"a.pdf"}"#;
    assert_eq!(logged, [format!("file.added user {file} {added}"), format!("file.deleted user {file} {{\"name\":\"a.pdf\"}}")]);
}

/// When a test begins that moves its clock.
const NOON: &str = "2026-11-03T12:00:00Z";

const ORDER: &str = "order";

/// Enough to begin storing it.
const HALF: &[u8] = &[b'a'; 10_000];

/// OPS-07: files go with their owner; the bytes go with the next sweep, also those of a file that never arrived whole.
#[tokio::test]
async fn the_sweep_leaves_nothing_of_deleted_and_broken_files() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(&Url::from_directory_path(folder.path()).unwrap(), []).unwrap();
    let clock = Clock::fixed(NOON.parse().unwrap());
    let cabinet = Cabinet::at(storage, folder, clock.clone()).await;
    let (db, files) = (cabinet.db(), &cabinet.files);
    let owner = FileOwner { kind: ORDER, id: uuid::Uuid::now_v7() };
    let new = |name| NewFile { owner, name, declared: "text/plain" };
    let content = |bytes: &'static [u8]| stream::iter([Ok::<_, Infallible>(Bytes::from_static(bytes))]);

    files.receive(&db, Actor::System, new("one.txt"), content(b"one")).await.unwrap();
    files.receive(&db, Actor::System, new("two.txt"), content(b"two")).await.unwrap();
    // One that is given up half-way, as a killed server does: its future is dropped.
    let endless = content(HALF).chain(stream::pending());
    let mut arriving = Box::pin(files.receive(&db, Actor::System, new("half.txt"), endless));
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), &mut arriving).await;
    assert!(waited.is_err());
    drop(arriving);
    assert_eq!(cabinet.objects(), 2);

    let system = cabinet.test.db.system("sweep files");
    assert_eq!(files.sweep(&system).await.unwrap(), 0, "what is young may still arrive");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(Files::files_delete_in(&mut tx, owner).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(files.sweep(&system).await.unwrap(), 3);
    assert_eq!((files.sweep(&system).await.unwrap(), cabinet.objects()), (0, 0));

    let endless = content(HALF).chain(stream::pending());
    let receive = files.receive(&db, Actor::System, new("half.txt"), endless);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), receive).await.is_err());
    clock.advance(Duration::days(2));
    assert_eq!(files.sweep(&system).await.unwrap(), 1, "what is old no longer arrives");
}

/// OPS-07: an owner that is deleted while its file arrives takes the file along.
#[tokio::test]
async fn a_file_whose_owner_goes_while_it_arrives_never_becomes_ready() {
    let cabinet = Cabinet::new().await;
    let db = cabinet.db();
    let owner = FileOwner { kind: ORDER, id: uuid::Uuid::now_v7() };
    let deleting = db.clone();
    let content = stream::once(async move { Ok::<_, Infallible>(Bytes::from(vec![b'a'; 10_000])) }).chain(stream::once(async move {
        let mut tx = deleting.begin().await.unwrap();
        assert_eq!(Files::files_delete_in(&mut tx, owner).await.unwrap(), 1);
        tx.commit().await.unwrap();
        Ok(Bytes::from_static(b"the rest"))
    }));
    let new = NewFile { owner, name: "late.txt", declared: "text/plain" };
    let outcome = cabinet.files.receive(&db, Actor::System, new, content).await;
    assert!(matches!(outcome, Err(FileError::Missing)), "{outcome:?}");
    assert_eq!(cabinet.files.sweep(&cabinet.test.db.system("sweep files")).await.unwrap(), 1);
    assert_eq!(cabinet.objects(), 0);
}

/// TEN-01: all files of a tenant go, those that no row knows included, and nobody else's; asking again changes nothing.
#[tokio::test]
async fn all_files_of_a_tenant_that_is_deleted_go() {
    let cabinet = Cabinet::new().await;
    let other = cabinet.test.tenant("other").await;
    for (tenant, number) in [(cabinet.tenant, 3), (other, 2)] {
        let client = cabinet.person(tenant).await;
        for name in 0..number {
            assert_eq!(send(&client, "/api/v1/files", &format!("{name}.txt"), "text/plain", b"text").await.status, 201);
        }
    }
    std::fs::write(cabinet.folder.path().join(cabinet.tenant.to_string()).join("stray"), "unknown").unwrap();
    assert_eq!(cabinet.objects(), 6);
    for _ in 0..2 {
        cabinet.files.tenant_remove(cabinet.tenant).await.unwrap();
        assert_eq!((cabinet.objects(), count(&cabinet.folder.path().join(other.to_string()))), (2, 2));
    }
}

/// OPS-07, OPS-04: the same through the S3 protocol, in one part and in several, and with the bucket away.
#[tokio::test]
async fn a_bucket_does_what_a_folder_does() {
    let bucket = Bucket::start().await;
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let rules = FileRules { max_bytes: 20 << 20, ..FileRules::DOCUMENTS };
    let files = Files::new(bucket.storage(), &MasterKey::generate(), rules);
    let db = test.db.tenant(tenant);
    let owner = FileOwner { kind: ORDER, id: uuid::Uuid::now_v7() };
    let sizes = [10, 12 << 20];
    for size in sizes {
        let content = stream::iter((0..size / 10).map(|_| Ok::<_, Infallible>(Bytes::from_static(b"0123456789"))));
        let new = NewFile { owner, name: "digits.txt", declared: "text/plain" };
        let file = files.receive(&db, Actor::System, new, content).await.unwrap();
        assert_eq!(file.bytes, i64::from(size / 10 * 10));
        let (length, read) = files.read(&db, file.id).await.unwrap();
        let read: Vec<u8> = read.map(|chunk| chunk.unwrap().to_vec()).concat().await;
        assert_eq!((length, read.len()), (u64::try_from(file.bytes).unwrap(), usize::try_from(file.bytes).unwrap()));
        assert!(read.chunks(10).all(|digits| digits == b"0123456789"));
    }
    assert_eq!(bucket.objects(), sizes.len());

    bucket.stop().await;
    let content = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"x"))]);
    let new = NewFile { owner, name: "x.txt", declared: "text/plain" };
    let refused = files.receive(&db, Actor::System, new, content).await;
    assert!(matches!(refused, Err(FileError::Store(_))), "{refused:?}");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(Files::files_in(&mut tx, owner, 10).await.unwrap().len(), sizes.len(), "the rest is still known");
}
