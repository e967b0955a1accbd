//! What is published builds by itself: offline, with no database, from what is in the package alone.

use std::{
    fs,
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

/// Beside what is built for tests, which has other features.
fn target() -> PathBuf {
    root().join("target/packages")
}

/// Whether this is `tests/soak`.
fn is_full() -> bool {
    std::env::var_os("SAAS_FULL").is_some_and(|value| value == "1")
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

/// Design 12.25: what serves development is in no crate that did not ask for it, and in the examples.
#[test]
fn what_is_for_development_is_off_by_default() {
    let output = cargo().args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let mut for_development = Vec::new();
    for package in packages {
        let features = &package["features"];
        let is_on = |feature: &str| features["default"].as_array().is_some_and(|on| on.iter().any(|it| it == feature));
        for feature in features.as_object().unwrap().keys().filter(|feature| feature.starts_with("dev-")) {
            let name = package["name"].as_str().unwrap();
            assert_eq!(is_on(feature), name == "monitoring", "{name}: {feature}");
            for_development.push((name.to_owned(), feature.clone()));
        }
        // Nor does one crate turn it on in another without a feature of its own; tests may.
        for dependency in package["dependencies"].as_array().unwrap().iter().filter(|it| it["kind"].is_null()) {
            let on = dependency["features"].as_array().unwrap();
            assert!(!on.iter().any(|it| it.as_str().unwrap().starts_with("dev-")), "{dependency}");
        }
    }
    for (feature, names) in [
        ("dev-mail", ["saas-core", "saas-admin", "monitoring"]),
        ("dev-oidc", ["saas-auth", "saas-admin", "monitoring"]),
        ("dev-stripe", ["saas-billing", "saas-admin", "monitoring"]),
    ] {
        for name in names {
            assert!(for_development.contains(&(name.to_owned(), feature.to_owned())), "{name}: {for_development:?}");
        }
    }
}

/// Cargo unpacks the packages of a workspace beside those of registries (their folders have names, these only a hash) and does not look
/// whether they have changed since.
fn forget_unpacked_packages() {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let Ok(sources) = fs::read_dir(home.unwrap().join("registry/src")) else { return };
    for source in sources.map(Result::unwrap).filter(|source| source.file_name().to_string_lossy().starts_with('-')) {
        for package in fs::read_dir(source.path()).unwrap().map(Result::unwrap) {
            if CRATES.iter().any(|name| package.file_name().to_string_lossy().starts_with(&format!("{name}-"))) {
                fs::remove_dir_all(package.path()).unwrap();
            }
        }
    }
}

/// DX-09: `cargo package` unpacks each crate and builds it against the packages of the others, with what is on by itself and with all that there is.
#[test]
fn every_package_builds_offline_without_a_database() {
    forget_unpacked_packages();
    let usual = is_full().then_some(None);
    for features in [Some("--all-features")].into_iter().chain(usual) {
        let mut package = cargo();
        package.args(["package", "--allow-dirty", "--offline"]).args(features).env("CARGO_TARGET_DIR", target());
        // The profiles of the workspace are not in a package, and nobody debugs what is built here.
        package.env("CARGO_PROFILE_DEV_DEBUG", "0");
        for name in CRATES {
            package.args(["-p", name]);
        }
        let output = package.output().unwrap();
        assert!(output.status.success(), "{features:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Design 12.25: built as README says for production, a program has nothing of what serves development: no feature of it is on; and with full numbers
/// it is built, and a type that is compiled in has its name among the symbols.
#[test]
fn a_program_that_is_built_for_production_has_no_servers_of_development() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, command) = readme.split_once("cargo build --release ").unwrap();
    let arguments: Vec<&str> = command.split(['#', '\n']).next().unwrap().split_whitespace().collect();
    let output = cargo()
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p} {f}"])
        .args(&arguments)
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && tree.starts_with("monitoring ") && tree.contains("stripe"), "{tree}");
    let ours = tree.lines().filter(|line| line.starts_with("saas-") || line.starts_with("monitoring"));
    let of_development: Vec<_> = ours.filter(|line| line.contains("dev-")).collect();
    assert!(of_development.is_empty(), "{of_development:?}");
    if !is_full() {
        return;
    }
    let output = cargo().args(["build", "--offline"]).args(arguments).env("CARGO_TARGET_DIR", target()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = target().join("debug/monitoring");
    let has = |name: &str| Command::new("grep").args(["--quiet", "--text", name]).arg(&program).status().unwrap().success();
    assert!(has("SmtpMailer"), "the program has no symbols to look at");
    for (file, name) in [
        ("saas-core/src/mail/mailbox.rs", "DevMailbox"),
        ("saas-auth/src/provider/dev.rs", "DevProvider"),
        ("saas-billing/src/dev_stripe.rs", "DevStripe"),
    ] {
        let source = fs::read_to_string(root().join(file)).unwrap();
        assert!(source.contains(&format!("pub struct {name}")), "{file} is what is looked for");
        assert!(!has(name), "{name} is in the program");
    }
}
