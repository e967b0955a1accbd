//! Pages: what they promise in their comments, what an application may replace, and what is refused.
// The helpers are as much a test as the tests: clippy takes them for one only with this.
#![cfg(test)]

use std::{fs, path::Path};

use saas_core::pages::{Locale, PageError, Pages};
use serde_json::json;
use tempfile::TempDir;

/// An application's folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(folder.path(), name, content);
    }
    folder
}

fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn with(folder: &TempDir) -> saas_core::pages::PagesBuilder {
    Pages::builder().folder(Some(folder.path().to_owned()))
}

#[test]
fn every_sample_renders_in_every_language_and_the_languages_agree() {
    Pages::builder().build().unwrap().check().unwrap();
}

#[test]
fn a_check_finds_what_a_pages_content_security_policy_would_block() {
    let bad = ["<p style=\"x\">", "<style>", "<script>", "<script src=\"/x\">", "<a onclick=\"x\">", "<a href=\"javascript:x\">"];
    let good = "<p title=\"style=\"><button type=\"button\">on<script nonce=\"n\" src=\"/x\"></script>";
    for (content, is_bad) in bad.iter().map(|content| (*content, true)).chain([(good, false)]) {
        let source = format!("{{# sample: {{}} #}}{content}");
        let folder = folder(&[("templates/app/a.html", &source), ("templates/app/mail/a.html", &source)]);
        let errors = with(&folder).build().unwrap().check().err().map(|errors| errors.0).unwrap_or_default();
        // Once in each language, and not in the mail.
        assert_eq!(errors.len(), if is_bad { Locale::ALL.len() } else { 0 }, "{content}: {errors:?}");
    }
}

#[test]
fn what_people_entered_is_text_in_html_and_unchanged_in_a_plain_mail() {
    let folder = folder(&[
        ("templates/app/a.html", "{# sample: {\"name\": \"\"} #}<p title=\"{{ name }}\">{{ t(\"app-hello\", name=name) }}"),
        ("templates/app/a.txt", "{# sample: {\"name\": \"\"} #}{{ t(\"app-hello\", name=name) }}"),
        ("locales/en.ftl", "app-hello = Hello { $name }"),
        ("locales/de.ftl", "app-hello = Hallo { $name }"),
    ]);
    let pages = with(&folder).build().unwrap();
    let context = json!({ "name": "<b>\"Ada\" & co" });
    let escaped = "&lt;b&gt;&quot;Ada&quot; &amp; co";
    assert_eq!(pages.render("app/a.html", Locale::De, &context).unwrap(), format!("<p title=\"{escaped}\">Hallo {escaped}"));
    assert_eq!(pages.render("app/a.txt", Locale::En, &context).unwrap(), "Hello <b>\"Ada\" & co");
    pages.check().unwrap();
}

#[test]
fn the_applications_files_and_words_replace_the_embedded_ones() {
    let folder = folder(&[
        ("templates/core/dev_mail.html", "{# sample: {} #}{{ product }}: {{ t(\"core-sign-out\") }}, {{ t(\"core-sign-in\") }}"),
        ("locales/en.ftl", "core-sign-out = Leave"),
        ("assets/core.css", "body { color: red }"),
    ]);
    let pages = with(&folder).product("Own").build().unwrap();
    assert_eq!(pages.render("core/dev_mail.html", Locale::En, json!({})).unwrap(), "Own: Leave, Sign in");
    assert_eq!(pages.render("core/dev_mail.html", Locale::De, json!({})).unwrap(), "Own: Abmelden, Anmelden");
    assert_eq!(&*pages.asset("core.css").unwrap().bytes, b"body { color: red }");
}

#[test]
fn in_development_a_change_shows_at_the_next_request_and_a_mistake_is_named() {
    let folder = folder(&[("templates/app/a.html", "one")]);
    let (development, production) = (with(&folder).development(true).build().unwrap(), with(&folder).build().unwrap());
    let render = |pages: &Pages| pages.render("app/a.html", Locale::En, json!({}));
    write(folder.path(), "templates/app/a.html", "the second");
    assert_eq!(render(&development).unwrap(), "the second");
    assert_eq!(render(&production).unwrap(), "one");
    write(folder.path(), "templates/app/a.html", "{% if %}");
    let error = render(&development).unwrap_err();
    assert!(matches!(&error, PageError::Changed(errors) if errors.0.len() == 1 && errors.0[0].starts_with("app/a.html: ")), "{error}");
    write(folder.path(), "templates/app/a.html", "well again");
    assert_eq!(render(&development).unwrap(), "well again");
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let folder = folder(&[
        ("templates/app/syntax.html", "{% for %}"),
        ("templates/app/text.html", "{# t(\"in-a-comment\") #}{{ t(\"app-none\") }}{{ t(\"app-no-prefix-\" ~ x) }}"),
        ("locales/en.ftl", "app-good = Good\n= bad\n"),
    ]);
    let errors = with(&folder).build().unwrap_err().0;
    let expected = [
        "en.ftl (application): line 2",
        "app/text.html: there is no text app-none",
        "app/text.html: there is no text app-no-prefix-…",
        "app/syntax.html: ",
    ];
    for expected in expected {
        assert!(errors.iter().any(|error| error.contains(expected)), "{expected:?} is not in {errors:?}");
    }
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
}

#[test]
fn a_check_finds_what_only_one_language_says_and_what_a_comment_forgot() {
    let folder = folder(&[
        ("templates/app/forgot.html", "{# sample: {\"a\": 1} #}{{ a }}{{ b }}"),
        ("templates/app/argument.html", "{# sample: {} #}{{ t(\"app-named\") }}"),
        ("locales/en.ftl", "app-named = Hello { $name }\napp-english = Only here\napp-both = { $n }"),
        ("locales/de.ftl", "app-named = Hallo { $name }\napp-both = { $m }"),
    ]);
    let errors = with(&folder).build().unwrap().check().unwrap_err().0;
    for expected in [
        "de.ftl: app-english is missing",
        "de.ftl: app-both has other variables than in en",
        "app/forgot.html (en, sample \"\")",
        "app/argument.html (de, sample \"\")",
    ] {
        assert!(errors.iter().any(|error| error.starts_with(expected)), "{expected:?} is not in {errors:#?}");
    }
    assert_eq!(errors.len(), 6, "{errors:#?}");

    let undocumented = self::folder(&[("templates/app/bare.html", "<p>")]);
    let errors = with(&undocumented).build().unwrap().check().unwrap_err().0;
    assert_eq!(errors, ["app/bare.html: its leading comment has no sample"]);
}

#[test]
fn a_text_that_is_missing_at_run_time_is_its_key_in_production_and_an_error_in_development() {
    let folder = folder(&[("templates/app/a.html", "{{ t(key) }}")]);
    let render = |pages: Pages| pages.render("app/a.html", Locale::En, json!({ "key": "app-none" }));
    assert_eq!(render(with(&folder).build().unwrap()).unwrap(), "app-none");
    assert!(render(with(&folder).development(true).build().unwrap()).is_err());
}

#[test]
fn only_the_current_hash_of_an_asset_may_be_cached_for_good() {
    let pages = Pages::builder().build().unwrap();
    let html = pages
        .render(
            "core/problem.html",
            Locale::En,
            &pages.samples().unwrap().into_iter().find(|it| it.template == "core/problem.html").unwrap().context,
        )
        .unwrap();
    let file = html.split("/assets/").find(|rest| rest.starts_with("core.") && rest.contains(".css")).unwrap();
    let file = file.split('"').next().unwrap();
    let current = pages.asset(file).unwrap();
    assert!(current.immutable && current.content_type.starts_with("text/css"));
    for name in ["core.css", "core.0000000000000000.css"] {
        let asset = pages.asset(name).unwrap();
        assert!(!asset.immutable, "{name}");
        assert_eq!((asset.bytes, asset.etag), (current.bytes.clone(), current.etag.clone()), "{name}");
    }
    for name in ["none.css", "../core.css", "core", "", "core.0000.css"] {
        assert!(pages.asset(name).is_none(), "{name}");
    }
}

#[test]
fn times_and_numbers_read_as_the_language_writes_them() {
    let folder = folder(&[(
        "templates/app/a.html",
        "{{ time(at) }}|{{ time(at, date=true) }}|{{ n|number }}|{{ t(\"core-pages-range\", first=1, last=50, total=n) }}",
    )]);
    let pages = with(&folder).build().unwrap();
    let context = json!({ "at": "2026-03-01T00:30:00.25+01:00", "n": 10_000 });
    assert_eq!(
        pages.render("app/a.html", Locale::En, &context).unwrap(),
        "<time datetime=\"2026-02-28T23:30:00Z\">28 Feb 2026, 23:30 UTC</time>|\
         <time datetime=\"2026-02-28T23:30:00Z\" data-date>28 Feb 2026</time>|10,000|1–50 of 10,000"
    );
    assert_eq!(
        pages.render("app/a.html", Locale::De, &context).unwrap(),
        "<time datetime=\"2026-02-28T23:30:00Z\">28. Februar 2026, 23:30 UTC</time>|\
         <time datetime=\"2026-02-28T23:30:00Z\" data-date>28. Februar 2026</time>|10.000|1–50 von 10.000"
    );
}
