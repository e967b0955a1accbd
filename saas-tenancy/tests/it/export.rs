//! CMP-01: an owner is given all that is the organization's, by a job, with a mail that says where it is.

mod store;

use std::{collections::BTreeMap, io::Read as _, num::NonZeroUsize, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use saas_core::{
    Clock, Jobs, JobsConfig, Lifecycle, TenantArchives, TenantId, TenantStore as _, UserId,
    file::{FileError, Storage},
    testing::{Answer, TestClient},
};
use saas_tenancy::{Role, Tenancy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::App;

const ASK: &str = "/api/v1/organization/exports";

struct Scene {
    app: App,
    clock: Clock,
    folder: TempDir,
    tenant: TenantId,
    owner: UserId,
    client: TestClient,
}

impl Scene {
    async fn new() -> Self {
        let clock = Clock::fixed("2026-03-01T09:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let folder = TempDir::new().unwrap();
        let storage = Storage::folder(folder.path()).unwrap();
        let app = App::with(clock.clone(), |tenancy| tenancy.exporting(storage)).await;
        let tenant = app.test.tenant("acme").await;
        let owner = app.member(tenant, Role::Owner).await;
        let client = app.client_with_proof(owner).await;
        Self { app, clock, folder, tenant, owner, client }
    }

    fn archives(&self) -> TenantArchives {
        TenantArchives::new(Storage::folder(self.folder.path()).unwrap())
    }

    /// Whoever does the jobs.
    async fn work(&self) -> Lifecycle {
        let (jobs, lifecycle) = (Jobs::new(&self.app.test.db), Lifecycle::new());
        self.app.tenancy.export_for(&jobs);
        let config = JobsConfig { concurrency: 1, poll: Duration::from_millis(50), ..JobsConfig::default() };
        jobs.start(config, &lifecycle).await.unwrap();
        lifecycle
    }

    async fn ask(&self) -> String {
        let asked = self.client.post(ASK, &json!(null)).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        asked.json()["id"].as_str().unwrap().to_owned()
    }

    async fn list(&self) -> Vec<Value> {
        self.client.get(ASK).await.json()["items"].as_array().unwrap().clone()
    }

    /// Waits until all that was asked for is there.
    async fn packed(&self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while self.list().await.iter().any(|export| export["ready_at"].is_null()) {
            assert!(tokio::time::Instant::now() < deadline, "it is not packed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn take(&self, client: &TestClient, id: &str) -> Answer {
        client.post(&format!("{ASK}/{id}/file"), &json!(null)).await
    }

    async fn count(&self, query: &'static str) -> i64 {
        let mut tx = self.app.test.db.system("look at what a test did").begin().await.unwrap();
        sqlx::query_scalar(query).fetch_one(&mut *tx).await.unwrap()
    }

    async fn sweep(&self) -> u64 {
        Tenancy::sweep_exports(&self.app.test.db.system("sweep"), &self.archives()).await.unwrap()
    }

    /// How many objects lie in the store.
    fn files(&self) -> usize {
        fn within(folder: &std::path::Path) -> usize {
            let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
            entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { within(&path) } else { 1 }).sum()
        }
        within(&self.folder.path().join(self.tenant.to_string()).join("exports"))
    }
}

/// The bytes of an archive, if it is there and whole.
async fn read(archives: &TenantArchives, tenant: TenantId, id: uuid::Uuid) -> Option<Vec<u8>> {
    let (length, bytes) = match archives.read(tenant, id).await {
        Ok(found) => found,
        Err(FileError::Missing) => return None,
        Err(error) => panic!("{error:?}"),
    };
    let bytes: Vec<u8> = bytes
        .try_fold(Vec::new(), async |mut all, some| {
            all.extend_from_slice(&some);
            Ok(all)
        })
        .await
        .unwrap();
    assert_eq!(bytes.len() as u64, length);
    Some(bytes)
}

fn unpacked(archive: &[u8]) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).unwrap();
        let (name, mut text) = (file.name().unwrap().into_owned(), String::new());
        file.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_asks_on_a_page_is_told_by_mail_and_downloads_all_of_it() {
    let scene = Scene::new().await;
    let other = scene.app.test.tenant("other").await;
    scene.app.member(other, Role::Owner).await;
    let settings = scene.client.page("/organization/settings").await.text().replace("&#x2f;", "/");
    assert!(settings.contains("href=\"/organization/data\""), "{settings}");
    let page = scene.client.page("/organization/data").await;
    assert!(page.text().contains("action=\"/organization/exports"), "{}", page.text());
    let asked = scene.client.form("/organization/exports", &[]).await;
    assert_eq!(asked.location(), Some("/organization/data?done=asked"));
    let waiting = scene.client.page("/organization/data?done=asked").await.text();
    assert!(waiting.contains("Being packed") && waiting.contains("http-equiv=\"refresh\""), "it looks again by itself: {waiting}");
    let id = scene.list().await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.take(&scene.client, &id).await.status, 404, "not yet");

    let _working = scene.work().await;
    scene.packed().await;
    let listed = scene.list().await[0].clone();
    let expires: DateTime<Utc> = listed["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires, scene.clock.now() + TimeDelta::hours(24));
    let mails = scene.app.mailbox.to(&format!("{}@example.com", scene.owner)).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("The data of") && mails[0].text.contains("/organization/data"), "{mails:?}");
    assert!(scene.client.page("/organization/data").await.text().contains(&format!("/organization/exports/{id}/file")));

    let taken = scene.take(&scene.client, &id).await;
    assert_eq!((taken.status.as_u16(), &taken.headers["content-type"]), (200, &"application/zip".parse().unwrap()));
    assert_eq!(taken.headers["content-disposition"], "attachment; filename=\"organization.zip\"");
    assert_eq!(listed["bytes"], json!(taken.body.len()));
    let files = unpacked(&taken.body);
    let members: Vec<Value> = serde_json::from_str(&files["core.member.json"]).unwrap();
    assert!(members.len() == 1 && members[0]["user_id"] == json!(scene.owner), "{members:?}");
    assert!(files["core.member.csv"].contains(&format!("{}@example.com", scene.owner)));
    assert!(files["core.tenant.json"].contains("acme") && !files.values().any(|text| text.contains(&other.to_string())));
    assert_eq!(scene.client.form(&format!("/organization/exports/{id}/file"), &[]).await.body, taken.body);
    for (event, times) in [("asked", 1), ("ready", 1), ("read", 2)] {
        let mut tx = scene.app.test.db.system("look at what a test did").begin().await.unwrap();
        let written = sqlx::query_scalar::<_, i64>("select count(*) from data.audit_entry where action = $1 and tenant_id = $2");
        let written = written.bind(format!("tenancy.export.{event}")).bind(scene.tenant).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(written, times, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_owner_who_has_just_shown_who_they_are_gets_it() {
    let scene = Scene::new().await;
    let id = scene.ask().await;
    let _working = scene.work().await;
    scene.packed().await;
    let elsewhere = scene.app.test.tenant("elsewhere").await;
    let (admin, stranger) = (scene.app.member(scene.tenant, Role::Admin).await, scene.app.member(elsewhere, Role::Owner).await);
    let statuses = async |client: &TestClient| {
        let ask = client.post(ASK, &json!(null)).await.status.as_u16();
        [client.get(ASK).await.status.as_u16(), ask, scene.take(client, &id).await.status.as_u16()]
    };
    assert_eq!(statuses(&scene.app.stranger()).await, [401; 3]);
    assert_eq!(statuses(&scene.app.client_with_proof(admin).await).await, [403; 3]);
    let theirs = scene.app.client_with_proof(stranger).await;
    assert_eq!((theirs.get(ASK).await.json()["items"].clone(), scene.take(&theirs, &id).await.status.as_u16()), (json!([]), 404));
    scene.clock.advance(TimeDelta::minutes(11));
    assert_eq!(statuses(&scene.client).await, [200, 403, 403], "it was long ago");
    assert_eq!(scene.count("select count(*) from tenancy.export").await, 1);
}

/// However many ask at once: a worker packs one organization once at a time.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_packed_three_times_a_day() {
    let scene = Scene::new().await;
    let asked = futures_util::future::join_all((0..10).map(|_| scene.ask())).await;
    assert!(asked.iter().all(|id| *id == asked[0]), "{asked:?}");
    assert_eq!(scene.count("select count(*) from tenancy.export").await, 1);
    {
        let _working = scene.work().await;
        scene.packed().await;
        for _ in 0..2 {
            scene.ask().await;
            scene.packed().await;
        }
    }
    let refused = scene.client.post(ASK, &json!(null)).await;
    assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (429, &http::HeaderValue::from_static("86400")));
    let page = scene.client.form("/organization/exports", &[]).await;
    assert!(page.status == 429 && page.text().contains("Ask again tomorrow"), "{}", page.text());
    scene.clock.advance(TimeDelta::hours(24));
    let again = scene.app.client_with_proof(scene.owner).await;
    assert_eq!(again.post(ASK, &json!(null)).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_there_for_a_day_and_then_gone_with_its_bytes() {
    let scene = Scene::new().await;
    let id = scene.ask().await;
    {
        let _working = scene.work().await;
        scene.packed().await;
    }
    scene.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    let client = scene.app.client_with_proof(scene.owner).await;
    assert_eq!((scene.take(&client, &id).await.status.as_u16(), scene.sweep().await, scene.files()), (200, 0, 2));
    scene.clock.advance(TimeDelta::seconds(1));
    assert_eq!(scene.take(&client, &id).await.status, 404);
    assert_eq!(client.get(ASK).await.json()["items"], json!([]));
    scene.clock.advance(TimeDelta::seconds(1));
    assert_eq!((scene.sweep().await, scene.files(), scene.count("select count(*) from tenancy.export").await), (1, 0, 0));
    // One that nobody ever packed.
    let client = scene.app.client_with_proof(scene.owner).await;
    assert_eq!(client.post(ASK, &json!(null)).await.status, 202);
    scene.clock.advance(TimeDelta::days(2) + TimeDelta::seconds(1));
    assert_eq!((scene.sweep().await, scene.count("select count(*) from tenancy.export").await), (1, 0));
}

/// Whoever is killed in the middle has written bytes that no row speaks of, or part of them: whoever comes next writes them again, and it is ready once.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_killed_in_the_middle_is_done_again() {
    let scene = Scene::new().await;
    let id = scene.ask().await;
    // As far as one comes before the row says so.
    let db = scene.app.test.db.tenant(scene.tenant);
    let first = scene.archives().pack(&db, &scene.app.test.db.inventory(), id.parse().unwrap()).await.unwrap();
    assert_eq!((scene.files(), scene.take(&scene.client, &id).await.status.as_u16()), (2, 404));
    assert!(first > 0);
    scene.app.member(scene.tenant, Role::Viewer).await;
    let _working = scene.work().await;
    scene.packed().await;
    let members: Vec<Value> = serde_json::from_str(&unpacked(&scene.take(&scene.client, &id).await.body)["core.member.json"]).unwrap();
    assert_eq!((members.len(), scene.files()), (2, 2), "what the first one left is gone");
    assert_eq!(scene.count("select count(*) from data.outbox where name = 'tenancy.export.ready'").await, 1);
}

/// Much larger than a part, with a last part that is not full, and packed over another.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_many_parts_is_read_as_one() {
    let scene = Scene::new().await;
    let (db, inventory, id) = (scene.app.test.db.tenant(scene.tenant), scene.app.test.db.inventory(), uuid::Uuid::now_v7());
    let archives = scene.archives().in_parts_of(NonZeroUsize::new(1000).unwrap());
    let whole = read(&archives, scene.tenant, id).await;
    assert!(whole.is_none());
    for _ in 0..2 {
        let bytes = archives.pack(&db, &inventory, id).await.unwrap();
        assert!(bytes > 2000, "{bytes}");
        let whole = read(&archives, scene.tenant, id).await.unwrap();
        assert_eq!(whole.len() as u64, bytes);
        assert!(unpacked(&whole)["core.tenant.json"].contains("acme"));
    }
    assert!(scene.files() > 4, "{}", scene.files());
    archives.remove(scene.tenant, id).await.unwrap();
    assert_eq!(scene.files(), 0);
}

/// Whoever was killed at the last attempt said nothing: a day later the next one does, and packs nothing. Meanwhile somebody can ask again.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_packed_within_a_day_is_given_up() {
    let scene = Scene::new().await;
    let first = scene.ask().await;
    scene.clock.advance(TimeDelta::days(1) + TimeDelta::seconds(1));
    let client = scene.app.client_with_proof(scene.owner).await;
    let again = client.post(ASK, &json!(null)).await;
    assert_eq!(again.status, 202, "{}", again.text());
    assert_ne!(again.json()["id"], json!(first));
    let _working = scene.work().await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let (failed, ready) = loop {
        let failed = scene.count("select count(*) from tenancy.export where failed_at is not null and ready_at is null").await;
        let ready = scene.count("select count(*) from tenancy.export where ready_at is not null and failed_at is null").await;
        if failed + ready == 2 {
            break (failed, ready);
        }
        assert!(tokio::time::Instant::now() < deadline, "neither was packed nor given up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((failed, ready), (1, 1));
}

/// After the last attempt the page says that nothing comes, and whoever asks again is not refused for it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_for_what_cannot_be_packed_sees_so_and_tries_again() {
    let scene = Scene::new().await;
    // Where the archives should lie is a file.
    let folder = scene.folder.path().join(scene.tenant.to_string());
    std::fs::write(&folder, "in the way").unwrap();
    let failing = scene.ask().await;
    let last = "update core.job set attempts = 1 where name = 'tenancy.export'";
    let mut tx = scene.app.test.db.system("arrange a test").begin().await.unwrap();
    assert_eq!(sqlx::query(last).execute(&mut *tx).await.unwrap().rows_affected(), 1);
    tx.commit().await.unwrap();
    let working = scene.work().await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while scene.list().await[0]["failed_at"].is_null() {
        assert!(tokio::time::Instant::now() < deadline, "nobody is told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let page = scene.client.page("/organization/data").await.text();
    assert!(page.contains("Could not be packed") && !page.contains("Being packed"), "{page}");
    assert_eq!(scene.count("select count(*) from data.outbox where name = 'tenancy.export.failed'").await, 1);
    std::fs::remove_file(&folder).unwrap();
    let again = scene.ask().await;
    assert_ne!(again, failing);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !scene.list().await.iter().any(|export| export["id"] == json!(again) && !export["ready_at"].is_null()) {
        assert!(tokio::time::Instant::now() < deadline, "it is not packed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(scene.take(&scene.client, &again).await.status, 200);
    assert_eq!(scene.count("select count(*) from core.job where state = 'dead'").await, 1, "operators see why");
    working.drain();
}

/// One that is cut off at any moment leaves nothing in the store that is no whole archive.
#[tokio::test(flavor = "multi_thread")]
async fn packing_that_is_cut_off_leaves_nothing_half() {
    let scene = Scene::new().await;
    let (db, inventory, id) = (scene.app.test.db.tenant(scene.tenant), scene.app.test.db.inventory(), uuid::Uuid::now_v7());
    let mut cut = 0;
    for milliseconds in 0..40 {
        let archives = scene.archives();
        let packing = tokio::time::timeout(Duration::from_millis(milliseconds), archives.pack(&db, &inventory, id)).await;
        cut += u32::from(packing.is_err());
        let Some(bytes) = read(&scene.archives(), scene.tenant, id).await else { continue };
        assert!(unpacked(&bytes).contains_key("core.workspace.csv"));
    }
    assert!(cut > 0, "nothing was cut off");
    scene.archives().pack(&db, &inventory, id).await.unwrap();
    scene.archives().tenant_remove(scene.tenant).await.unwrap();
    assert_eq!(scene.files(), 0);
}
