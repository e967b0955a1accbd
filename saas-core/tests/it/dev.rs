//! The private cluster, used by real programs that end in all the ways that programs end.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use saas_core::dev::{self, DevDatabase, DevError, DevOptions};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::program::{Program, wait_until};

/// Far beyond what anything here takes; reached only when something hangs.
const SOON: Duration = Duration::from_secs(30);
const NOBODY: u32 = 65_534;

/// A project's folder, removed when its cluster has stopped.
pub(crate) struct Project {
    pub(crate) folder: TempDir,
    pub(crate) directory: PathBuf,
}

impl Project {
    pub(crate) fn new() -> Self {
        Self::at("project")
    }

    fn at(path: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Root's server runs as somebody else, who has to get through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let directory = folder.path().join(path).join(".saas");
        Self { folder, directory }
    }

    pub(crate) fn options(&self, name: &str) -> DevOptions {
        DevOptions { directory: self.directory.clone(), durable: false, ..DevOptions::new(name) }
    }

    async fn start(&self, name: &str) -> DevDatabase {
        dev::start(self.options(name)).await.unwrap()
    }

    fn program(&self, name: &str) -> Program {
        Program::start("dev::a_program_that_holds_its_database", |command| {
            command.env(DIRECTORY, &self.directory).env(NAME, name);
        })
    }

    fn record(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.directory.join("postgres.json")).unwrap()).unwrap()
    }

    fn home(&self) -> PathBuf {
        self.record()["home"].as_str().unwrap().into()
    }

    fn server(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.home().join("data/postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.parse().ok()?)
    }

    pub(crate) fn stops(&self) {
        wait_until("the cluster has stopped", SOON, || self.server().is_none() && !runs_in(&self.home()));
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A second panic would end the program before it says what failed.
        if std::thread::panicking() || !self.directory.join("postgres.json").exists() {
            return;
        }
        self.stops();
        let home = self.home();
        if !home.starts_with(self.folder.path()) {
            fs::remove_dir_all(home).unwrap();
        }
    }
}

/// Whether a guardian, or a server of it, still works in that folder.
fn runs_in(home: &Path) -> bool {
    processes_in(home).next().is_some()
}

fn processes_in(home: &Path) -> impl Iterator<Item = (Pid, String)> {
    let home = home.to_owned();
    fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok).filter_map(move |entry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let folder = fs::read_link(entry.path().join("cwd")).ok()?;
        folder.starts_with(&home).then(|| fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default()).map(|line| (pid, line))
    })
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub(crate) async fn number(url: &str, statement: &'static str) -> i64 {
    let mut connection = connect(url).await;
    let number = sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

async fn run(url: &str, statement: &'static str) {
    let mut connection = connect(url).await;
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn port(url: &str) -> u16 {
    url::Url::parse(url).unwrap().port().unwrap()
}

const DIRECTORY: &str = "SAAS_TEST_DEV_DIRECTORY";
const NAME: &str = "SAAS_TEST_DEV_NAME";

/// What the other tests start as programs of their own; without their settings there is nothing for it to do.
#[tokio::test]
async fn a_program_that_holds_its_database() {
    let (Some(directory), Some(name)) = (std::env::var_os(DIRECTORY), std::env::var_os(NAME)) else { return };
    let name = name.into_string().unwrap();
    let options = DevOptions { directory: directory.into(), durable: false, ..DevOptions::new(name) };
    let database = dev::start(options).await.unwrap();
    Program::report(database.url());
    Program::wait_for_the_end();
}

#[tokio::test]
async fn a_start_from_nothing_gives_a_database_whose_owner_is_no_superuser() {
    let project = Project::new();
    let database = project.start("shop").await;
    assert!(!database.reused());
    assert_eq!(database.directory(), project.directory.canonicalize().unwrap());
    assert!(database.postgres_version().starts_with(|c: char| c.is_ascii_digit()), "{}", database.postgres_version());

    let mut owner = connect(database.url()).await;
    let (login, superuser, bypass, roles, owns): (String, bool, bool, bool, bool) = sqlx::query_as(
        r"
        select rolname::text, rolsuper, rolbypassrls, rolcreaterole, pg_database.datdba = pg_roles.oid
        from pg_roles, pg_database
        where rolname = current_user and datname = current_database()
        ",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!((login.as_str(), superuser, bypass, roles, owns), ("shop_owner", false, false, true, true));

    let (encoding, ctype, upper): (String, String, String) =
        sqlx::query_as("select getdatabaseencoding()::text, current_setting('server_encoding'), upper('straße ä')")
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert_eq!((encoding.as_str(), ctype.as_str()), ("UTF8", "UTF8"));
    assert!(upper.ends_with('Ä'), "{upper}");
    sqlx::raw_sql("create role shop_app login; grant saas_app to shop_app").execute(&mut owner).await.unwrap();

    let mut wrong = url::Url::parse(database.url()).unwrap();
    wrong.set_password(Some("guess")).unwrap();
    assert!(PgConnection::connect(wrong.as_str()).await.is_err());
    assert_eq!(fs::metadata(project.home()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(project.home().join("data/superuser.password")).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn data_and_port_stay_from_one_run_to_the_next() {
    let project = Project::new();
    let database = project.start("shop").await;
    run(database.url(), "create table item (id bigint); insert into item values (7)").await;
    let first = port(database.url());
    drop(database);
    project.stops();

    let begin = Instant::now();
    let database = project.start("shop").await;
    // Measured at 0.1 s.
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(database.reused());
    assert_eq!(port(database.url()), first);
    assert_eq!(number(database.url(), "select id from item").await, 7);
}

#[tokio::test]
async fn two_programs_that_start_at_once_share_a_cluster_and_the_last_one_stops_it() {
    let project = Project::new();
    let (mut one, mut other) = (project.program("one"), project.program("other"));
    let (one_url, other_url) = (one.reported(), other.reported());
    assert_eq!(port(&one_url), port(&other_url));
    assert_eq!(number(&one_url, "select 1::bigint").await, 1);

    one.kill();
    assert_eq!(number(&other_url, "select count(*) from pg_database where datname in ('one', 'other')").await, 2);
    assert!(project.server().is_some());

    other.kill();
    project.stops();
}

#[tokio::test]
async fn programs_that_come_and_go_at_random_always_find_a_database() {
    let project = Project::new();
    let tasks: Vec<_> = (0..6)
        .map(|task| {
            let options = project.options(&format!("task_{task}"));
            tokio::spawn(async move {
                for _ in 0..8 {
                    let database = dev::start(options.clone()).await.unwrap();
                    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    project.stops();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_comes_while_the_cluster_lingers_keeps_it() {
    let project = Project::new();
    let options = DevOptions { linger: Duration::from_secs(1), ..project.options("shop") };
    let lingers = || processes_in(&project.home()).any(|(_, line)| line.starts_with("sleep"));
    drop(dev::start(options.clone()).await.unwrap());
    wait_until("the guardian waits for others", SOON, lingers);
    let server = project.server();

    let database = dev::start(options).await.unwrap();
    wait_until("the guardian has waited", SOON, || !lingers());
    // A stop would end this statement.
    assert_eq!(number(database.url(), "select 1::bigint from pg_sleep(0.5)").await, 1);
    assert_eq!(project.server(), server);
    drop(database);
    project.stops();
}

#[tokio::test]
async fn ctrl_c_reaches_the_program_and_not_the_cluster() {
    let project = Project::new();
    let mut program = project.program("shop");
    program.reported();
    let beside = project.start("beside").await;
    // The terminal sends it to the whole group of the program that also started the cluster.
    kill_process_group(program.pid(), Signal::INT).unwrap();
    program.wait_for_end_of_output(SOON);
    assert_eq!(number(beside.url(), "select 1::bigint").await, 1);
    let log = || fs::read_to_string(project.home().join("postgres.log")).unwrap();
    assert!(!log().contains("shutdown"), "{}", log());

    drop(beside);
    project.stops();
    assert!(log().trim_end().ends_with("database system is shut down"), "{}", log());
}

#[tokio::test]
async fn what_a_program_prints_into_ends_with_the_program() {
    let project = Project::new();
    let mut program = project.program("shop");
    program.reported();
    let beside = project.start("beside").await;
    program.kill();
    // The cluster that this program started runs on, and must not hold its output open.
    program.wait_for_end_of_output(SOON);
    assert_eq!(number(beside.url(), "select 1::bigint").await, 1);
}

#[tokio::test]
async fn a_killed_server_is_recovered_at_the_next_start() {
    let project = Project::new();
    let durable = DevOptions { durable: true, ..project.options("shop") };
    let database = dev::start(durable.clone()).await.unwrap();
    run(database.url(), "create table item (id bigint); insert into item values (7)").await;
    kill_process(project.server().unwrap(), Signal::KILL).unwrap();

    let again = dev::start(durable).await.unwrap();
    assert_eq!(number(again.url(), "select id from item").await, 7);
    drop(database);
    assert_eq!(number(again.url(), "select id from item").await, 7);
}

#[tokio::test]
async fn a_claim_on_the_data_by_a_process_that_is_no_server_is_taken_away() {
    let project = Project::new();
    let before = port(project.start("shop").await.url());
    project.stops();
    // What a power cut leaves when the process id has since been given to another program, here to this one.
    let claim = format!("{}\n{}\n1\n{before}\n\n127.0.0.1\n 1 1\nready   \n", std::process::id(), project.home().display());
    fs::write(project.home().join("data/postmaster.pid"), claim).unwrap();

    assert!(project.start("shop").await.reused());
}

#[tokio::test]
async fn programs_that_are_killed_at_any_moment_of_their_start_leave_nothing_running() {
    let project = Project::new();
    drop(project.start("shop").await);
    for round in 0..12 {
        let mut program = project.program("shop");
        // A start takes about a tenth of a second; the moments are spread over it.
        std::thread::sleep(Duration::from_millis(13 * round));
        program.kill();
    }
    project.stops();
    assert!(project.start("shop").await.reused());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_guardian_is_replaced_and_the_new_one_knows_all_users() {
    let project = Project::new();
    let first = project.start("first").await;
    let guardian = |(_, line): &(Pid, String)| line.contains("saas-guardian");
    let (pid, _) = processes_in(&project.home()).find(guardian).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    wait_until("the guardian is gone", SOON, || processes_in(&project.home()).find(guardian).is_none());

    let second = project.start("second").await;
    let (replacement, _) = processes_in(&project.home()).find(guardian).unwrap();
    assert_ne!(replacement, pid);
    drop(second);
    // Whoever joins now has to wait if the guardian took the second for the last.
    let third = project.start("third").await;
    assert_eq!(number(first.url(), "select 1::bigint").await, 1);
    assert_eq!(port(first.url()), port(third.url()));
    assert!(!fs::read_to_string(project.home().join("postgres.log")).unwrap().contains("shutdown"));
}

#[tokio::test]
async fn a_start_that_was_killed_half_way_does_no_harm() {
    let project = Project::new();
    let home = project.directory.join("postgres");
    let making = || {
        fs::read_dir(&home)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .any(|entry| entry.file_name().to_string_lossy().starts_with("initdb-") && entry.path().join("data/base").exists())
    };
    let mut program = project.program("shop");
    wait_until("initdb is at work", SOON, making);
    program.kill();

    let database = project.start("shop").await;
    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
}

#[tokio::test]
async fn another_port_is_taken_when_somebody_has_ours() {
    let project = Project::new();
    let first = port(project.start("shop").await.url());
    project.stops();

    let _taken = TcpListener::bind(("127.0.0.1", first)).unwrap();
    let database = project.start("shop").await;
    assert_ne!(port(database.url()), first);
    assert!(database.reused());
    assert_eq!(project.record()["port"], port(database.url()));
}

#[tokio::test]
async fn spaces_quotes_and_great_length_in_the_path_do_not_matter() {
    let long = "x".repeat(100);
    let project = Project::at(&format!("it's a \"project\" $HOME/{long}/{long}"));
    let database = project.start("shop").await;
    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
}

#[tokio::test]
async fn two_directories_are_two_clusters() {
    let (one, other) = (Project::new(), Project::new());
    let (first, second) = (one.start("shop").await, other.start("shop").await);
    assert_ne!(port(first.url()), port(second.url()));
    run(first.url(), "create table item (id bigint)").await;
    assert_eq!(number(second.url(), "select count(*) from pg_class where relname = 'item'").await, 0);
    drop(first);
    one.stops();
    assert_eq!(number(second.url(), "select 1::bigint").await, 1);
}

#[tokio::test]
async fn a_cluster_of_another_version_is_named_with_the_folder_to_delete() {
    let project = Project::new();
    drop(project.start("shop").await);
    project.stops();
    let version = project.home().join("data/PG_VERSION");
    let installed = fs::read_to_string(&version).unwrap();
    fs::write(&version, "9\n").unwrap();

    let error = dev::start(project.options("shop")).await.unwrap_err().to_string();
    for part in ["PostgreSQL 9", installed.trim(), project.home().join("data").to_str().unwrap()] {
        assert!(error.contains(part), "{error} should name {part}");
    }
}

#[tokio::test]
async fn a_damaged_cluster_is_made_anew_only_when_it_was_not_to_be_durable() {
    let project = Project::new();
    drop(project.start("shop").await);
    project.stops();
    fs::write(project.home().join("data/global/pg_control"), "damaged").unwrap();

    let durable = DevOptions { durable: true, ..project.options("shop") };
    let error = dev::start(durable).await.unwrap_err();
    assert!(matches!(error, DevError::Start { .. }), "{error}");
    assert!(!project.start("shop").await.reused());
}

#[tokio::test]
async fn a_folder_that_is_closed_to_the_server_has_its_data_elsewhere() {
    let project = Project::new();
    fs::set_permissions(project.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let database = project.start("shop").await;
    assert_eq!(number(database.url(), "select 1::bigint").await, 1);
    // Only root runs the server as somebody else, who cannot enter.
    assert_eq!(project.home().starts_with("/var/tmp"), rustix::process::geteuid().is_root());
    drop(database);
    project.stops();
    assert!(project.start("shop").await.reused());
}

#[tokio::test]
async fn an_unprivileged_user_has_a_server_of_their_own() {
    let project = Project::new();
    let mut user = rustix::process::geteuid().as_raw();
    let mut program = if user == 0 {
        user = NOBODY;
        fs::create_dir_all(&project.directory).unwrap();
        chown(&project.directory, Some(NOBODY), Some(NOBODY)).unwrap();
        // Cargo's folder may be closed to that user.
        let copy = project.folder.path().join("program");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let program = |command: &mut Command| {
            command.env(DIRECTORY, &project.directory).env(NAME, "shop").uid(NOBODY).gid(NOBODY).current_dir(project.folder.path());
        };
        Program::start_as(&copy, "dev::a_program_that_holds_its_database", program)
    } else {
        project.program("shop")
    };
    assert_eq!(number(&program.reported(), "select 1::bigint").await, 1);
    let server = project.server().unwrap().as_raw_nonzero();
    assert_eq!(fs::metadata(format!("/proc/{server}")).unwrap().uid(), user);
    assert_eq!(fs::metadata(project.home()).unwrap().uid(), user);
    program.kill();
    project.stops();
}

#[tokio::test]
async fn a_name_that_would_need_quoting_is_refused() {
    let project = Project::new();
    let error = dev::start(project.options("Robert'); drop")).await.unwrap_err();
    assert!(matches!(error, DevError::Name { .. }), "{error}");
}
