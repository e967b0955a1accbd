//! The product with its files in a bucket that speaks the S3 protocol.

use std::{fs, path::Path};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use saas_core::audit::AuditChain;
use saas_tenancy::Role;

use crate::{
    app::App,
    process::{Settings, folder},
};

/// A bucket named `files` over a folder, and what the product is told to reach it.
async fn bucket(folder: &Path) -> [(&'static str, String); 6] {
    fs::create_dir(folder.join("files")).unwrap();
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
    service.set_auth(SimpleAuth::from_single("test-key", "test-secret"));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            // A client that goes away is no failure of the server.
            let served = async move { drop(Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await) };
            tokio::spawn(served);
        }
    });
    [
        ("SAAS_STORAGE_URL", "s3://files/product".to_owned()),
        ("AWS_ENDPOINT", endpoint),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test-key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test-secret".to_owned()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
    ]
}

/// AUD-02, OPS-07: what the settings name as `s3://bucket/prefix` is where files are: here the ends of the log, which show that its last entry is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ends_of_the_log_are_kept_in_a_bucket() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    app.added(&owner).await;
    AuditChain::new(&app.test.db, &app.program.master_key).seal_now().await.unwrap();
    let (here, objects) = (folder(), folder());
    let reached = bucket(objects.path()).await;
    let run = async |arguments: &[&str]| {
        let settings = Settings::of(&app, here.path(), &[&["audit"], arguments].concat());
        reached.iter().fold(settings, |settings, (name, value)| settings.set(name, value)).run().await
    };
    let kept = run(&["keep"]).await;
    assert!(kept.status.success(), "{kept:?}");
    assert!(fs::read_dir(objects.path().join("files/product")).unwrap().count() > 0);
    assert!(run(&["verify"]).await.status.success());
    let mut superuser = app.superuser().await;
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut superuser).await.unwrap();
    let last =
        "with gone as (delete from data.audit_entry where tenant_id = $1 returning 1) delete from data.audit_head where tenant_id = $1";
    sqlx::query(last).bind(uuid::Uuid::from(tenant)).execute(&mut superuser).await.unwrap();
    let gone = run(&["verify"]).await;
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
}
