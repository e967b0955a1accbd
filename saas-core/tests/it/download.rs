//! PostgreSQL is fetched where it is not installed: once, whole, and verified.

use std::{
    error::Error,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use saas_core::dev::{self, DevDatabase, DevError, DevOptions, DownloadError, Programs};
use url::Url;

mod archives;

use crate::{
    dev::{Project, number},
    program::{Program, wait_until},
};
use archives::{Archives, Behaviour, file_name, folder_name, pack};

const SOON: Duration = Duration::from_secs(60);

const DIRECTORY: &str = "SAAS_TEST_DOWNLOAD_DIRECTORY";
const CACHE: &str = "SAAS_TEST_DOWNLOAD_CACHE";
const ARCHIVES: &str = "SAAS_POSTGRES_ARCHIVES";

/// A machine without PostgreSQL, whose programs are kept in the project's folder.
fn nothing_installed(cache: &Path, archives: Option<&Url>) -> Programs {
    Programs { folders: Some(Vec::new()), cache: Some(cache.to_owned()), archives: archives.cloned() }
}

fn cache(project: &Project) -> PathBuf {
    project.folder.path().join("cache/postgresql")
}

fn options(project: &Project, cache: &Path, list: &Url) -> DevOptions {
    DevOptions { programs: nothing_installed(cache, Some(list)), ..project.options("shop") }
}

async fn start(project: &Project, archives: &Archives) -> Result<DevDatabase, DevError> {
    dev::start(options(project, &cache(project), &archives.list)).await
}

/// The names in the cache, but for the lock.
fn kept(cache: &Path) -> Vec<String> {
    let names = fs::read_dir(cache).into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "fetch.lock").collect()
}

fn reason(error: &DevError) -> &DownloadError {
    match error {
        DevError::Download(reason) => reason,
        other => panic!("{other:?}"),
    }
}

fn in_full(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", in_full(source)),
        None => error.to_string(),
    }
}

fn archive_requests(archives: &Archives) -> usize {
    let path = format!("/files/{}", file_name());
    archives.requests().into_iter().filter(|request| *request == path).count()
}

/// What other tests start as programs of their own; without their settings there is nothing for it to do.
#[tokio::test]
async fn a_program_without_postgres() {
    let (Some(directory), Some(cache)) = (std::env::var_os(DIRECTORY), std::env::var_os(CACHE)) else { return };
    let programs = nothing_installed(Path::new(&cache), None);
    let options = DevOptions { directory: directory.into(), durable: false, programs, ..DevOptions::new("shop") };
    let database = dev::start(options).await.unwrap();
    Program::report(database.url());
    Program::wait_for_the_end();
}

fn program(project: &Project, cache: &Path, archives: &Archives) -> Program {
    Program::start("download::a_program_without_postgres", |command| {
        command.env(DIRECTORY, &project.directory).env(CACHE, cache).env(ARCHIVES, archives.list.as_str());
    })
}

#[tokio::test]
async fn without_postgres_one_is_fetched_and_used_from_then_on() {
    let project = Project::new();
    let archives = Archives::start(Behaviour::default()).await;
    let database = start(&project, &archives).await.unwrap();
    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
    assert_eq!(folder_name().split('.').take(2).collect::<Vec<_>>().join("."), database.postgres_version());
    let archive = format!("/files/{}", file_name());
    assert_eq!(archives.requests(), ["/releases", &format!("{archive}.sha256"), &archive]);
    assert_eq!(kept(&cache(&project)), [folder_name()]);

    drop(database);
    project.stops();
    assert!(start(&project, &archives).await.unwrap().reused());
    let other = Project::new();
    let database = dev::start(options(&other, &cache(&project), &archives.list)).await.unwrap();
    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
    assert_eq!(archives.requests().len(), 3);
}

#[tokio::test]
async fn an_archive_with_another_checksum_is_refused() {
    let project = Project::new();
    let archives = Archives::start(Behaviour { wrong_checksum: true, ..Behaviour::default() }).await;
    let error = start(&project, &archives).await.unwrap_err();
    assert!(matches!(reason(&error), DownloadError::Checksum { .. }), "{error:?}");
    assert_eq!(archive_requests(&archives), 1);
    assert!(kept(&cache(&project)).is_empty());
}

#[tokio::test]
async fn a_download_that_breaks_off_is_made_again() {
    let project = Project::new();
    let archives = Archives::start(Behaviour { broken: 1, ..Behaviour::default() }).await;
    let database = start(&project, &archives).await.unwrap();
    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
    assert_eq!(archive_requests(&archives), 2);
}

#[tokio::test]
async fn a_download_that_always_breaks_off_leaves_nothing() {
    let project = Project::new();
    let archives = Archives::start(Behaviour { broken: u32::MAX, ..Behaviour::default() }).await;
    let error = start(&project, &archives).await.unwrap_err();
    assert!(matches!(reason(&error), DownloadError::Network { .. }), "{error:?}");
    assert_eq!(archive_requests(&archives), 3);
    assert!(kept(&cache(&project)).is_empty());
}

#[tokio::test]
async fn an_archive_of_something_else_is_refused() {
    let project = Project::new();
    let archive = pack([(PathBuf::from("bin/postgres"), b"#!/bin/sh\n".to_vec())]);
    let archives = Archives::start(Behaviour { archive: Some(archive), ..Behaviour::default() }).await;
    let error = start(&project, &archives).await.unwrap_err();
    assert!(matches!(reason(&error), DownloadError::Content { .. }), "{error:?}");
    assert!(kept(&cache(&project)).is_empty());
}

#[tokio::test]
async fn programs_that_do_not_run_here_are_reported_and_not_fetched_again() {
    let project = Project::new();
    let script = b"#!/bin/sh\necho 'the library is too old' >&2\nexit 1\n";
    let archive = pack(["postgres", "initdb", "pg_ctl"].map(|name| (Path::new("bin").join(name), script.to_vec())));
    let archives = Archives::start(Behaviour { archive: Some(archive), ..Behaviour::default() }).await;
    for _ in 0..2 {
        let error = start(&project, &archives).await.unwrap_err();
        assert!(matches!(error, DevError::Unusable { .. }), "{error:?}");
        assert!(error.to_string().contains("the library is too old"), "{error}");
    }
    assert_eq!(archive_requests(&archives), 1);
}

#[tokio::test]
async fn two_programs_at_once_fetch_once() {
    let (one, other) = (Project::new(), Project::new());
    let archives = Archives::start(Behaviour::default()).await;
    let mut programs = [&one, &other].map(|project| program(project, &cache(&one), &archives));
    let urls = tokio::task::spawn_blocking(move || {
        let urls = programs.each_mut().map(Program::reported);
        (programs, urls)
    });
    let (programs, urls) = urls.await.unwrap();
    for url in &urls {
        assert_eq!(number(url, "select 1::bigint").await, 1);
    }
    assert_eq!(archive_requests(&archives), 1);
    assert_eq!(kept(&cache(&one)), [folder_name()]);
    drop(programs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_was_killed_half_way_is_never_used() {
    let project = Project::new();
    let stalling = Archives::start(Behaviour { stalls: true, ..Behaviour::default() }).await;
    let mut program = program(&project, &cache(&project), &stalling);
    let halted = || {
        let parts = kept(&cache(&project)).into_iter().map(|name| cache(&project).join(name).join("archive.tar.gz"));
        parts.filter_map(|part| fs::metadata(part).ok()).any(|part| part.len() > 0)
    };
    wait_until("half of the archive is there", SOON, halted);
    program.kill();
    assert_eq!(kept(&cache(&project)).len(), 1);

    let sound = Archives::start(Behaviour::default()).await;
    let database = start(&project, &sound).await.unwrap();
    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
    assert_eq!(kept(&cache(&project)), [folder_name()]);
}

#[tokio::test]
async fn without_a_network_the_error_says_what_to_install() {
    let project = Project::new();
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let list = Url::parse(&format!("http://{address}/releases")).unwrap();
    let error = dev::start(options(&project, &cache(&project), &list)).await.unwrap_err();
    let text = in_full(&error);
    for part in ["apt install postgresql", "DATABASE_URL", list.as_str(), "check the network"] {
        assert!(text.contains(part), "{text} should say {part}");
    }
    assert!(kept(&cache(&project)).is_empty());
}

#[tokio::test]
async fn without_an_archive_for_the_platform_the_error_says_what_to_install() {
    let project = Project::new();
    let archives = Archives::start(Behaviour { foreign: true, ..Behaviour::default() }).await;
    let error = start(&project, &archives).await.unwrap_err();
    assert!(matches!(reason(&error), DownloadError::NoArchive { .. }), "{error:?}");
    let text = in_full(&error);
    for part in ["apt install postgresql", std::env::consts::ARCH, archives.list.as_str()] {
        assert!(text.contains(part), "{text} should say {part}");
    }
}
