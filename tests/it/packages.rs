//! What is published builds by itself: offline, with no database, from what is in the package alone.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    // Only what a stranger has: no database, no settings of ours.
    cargo.current_dir(root()).env_remove("SAAS_BUILD_DATABASE_URL").env_remove("DATABASE_URL").env("SQLX_OFFLINE", "true");
    cargo
}

const CRATES: &[&str] = &["saas-core", "saas-auth", "saas-tenancy", "saas-billing", "saas-admin"];

/// DX-09.
#[test]
fn every_package_holds_what_it_needs() {
    for (name, needed) in [
        (
            "saas-core",
            &[
                "migrations/provision.sql",
                "migrations/control/0001_isolation.sql",
                "templates/core/base.html",
                "assets/core.css",
                "locales/de.ftl",
            ][..],
        ),
        ("saas-auth", &["templates/auth/sign_in.html", "locales/en.ftl"]),
        ("saas-tenancy", &["templates/tenancy/members.html", "locales/en.ftl"]),
        ("saas-billing", &["migrations/data/0001_quota.sql"]),
        ("saas-admin", &["src/lib.rs"]),
    ] {
        let output = cargo().args(["package", "--list", "--allow-dirty", "--offline", "-p", name]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let list = String::from_utf8(output.stdout).unwrap();
        let files: Vec<&str> = list.lines().collect();
        for file in needed.iter().chain(&["LICENSE-MIT", "LICENSE-APACHE"]) {
            assert!(files.contains(file), "{name} lacks {file}");
        }
        let has_queries = files.iter().any(|file| file.starts_with(".sqlx/query-"));
        assert_eq!(has_queries, name != "saas-admin", "{name} and its checked queries");
    }
}

/// DX-09: `cargo package` unpacks each crate and builds it against the packages of the others.
#[test]
fn every_package_builds_offline_without_a_database() {
    let mut package = cargo();
    package.args(["package", "--allow-dirty", "--offline"]).env("CARGO_TARGET_DIR", root().join("target/packages"));
    for name in CRATES {
        package.args(["-p", name]);
    }
    let output = package.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
