//! What whoever runs the product can see and mend from the command line.

use std::collections::{BTreeMap, BTreeSet};

use saas_core::{
    Actor, Clock, event_in,
    mail::{SuppressionReason, Suppressions},
};
use saas_tenancy::{MemberJoined, Role};
use serde_json::Value;

use crate::{
    app::{App, PASSWORD},
    live::Stream,
    process::{Ended, Settings, folder},
};

/// Runs a command of the product against the database of a test.
async fn command(app: &App, arguments: &[&str]) -> Ended {
    command_with(app, ("SAAS_SEALED", "false"), arguments).await
}

async fn command_with(app: &App, (name, value): (&'static str, &str), arguments: &[&str]) -> Ended {
    Settings::of(app, folder().path(), arguments).set(name, value).run().await
}

fn json(ended: &Ended) -> Value {
    assert!(ended.status.success(), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// OPS-02: events that were given up are seen, and told again.
#[tokio::test]
async fn an_operator_sees_events_that_were_given_up_and_has_them_told_again() {
    let app = App::at(Clock::system()).await;
    let tenant = app.tenant("acme").await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
        let joined = MemberJoined { role: Role::Viewer.into(), invitation: None };
        ids.push(event_in(&mut tx, Actor::System, "somebody", &joined).await.unwrap().to_string());
        tx.commit().await.unwrap();
    }
    let given_up =
        "update data.outbox set dead_at = now(), attempts = 12, error = 'webhooks: no thank you' where name = 'tenancy.member.joined'";
    sqlx::query(given_up).execute(&mut app.owner().await).await.unwrap();
    assert_eq!(json(&command(&app, &["events", "stats", "--json"]).await)["dead"], 2);
    let dead = json(&command(&app, &["events", "dead", "--json"]).await)["dead"].clone();
    assert_eq!(dead.as_array().unwrap().len(), 2);
    assert_eq!((&dead[0]["ledger"], &dead[0]["error"]), (&tenant.to_string().into(), &"webhooks: no thank you".into()));
    let words = command(&app, &["events", "dead"]).await.stdout;
    assert!(words.contains(&ids[0]) && words.contains("no thank you"), "{words}");
    assert_eq!(json(&command(&app, &["events", "replay", &ids[0], "--json"]).await)["replayed"], 1);
    assert_eq!(command(&app, &["events", "replay", &ids[0]]).await.status.code(), Some(1));
    assert_eq!(json(&command(&app, &["events", "replay", "--all", "--json"]).await)["replayed"], 1);
    assert!(command(&app, &["events", "dead"]).await.stdout.contains("no event was given up"));
    app.program.relay.relay_now().await.unwrap();
    assert_eq!(app.program.relay.state().await.unwrap().waiting, 0);
}

/// CMP-03: how long each table's rows are kept, what is due, seen before it is deleted.
#[tokio::test]
async fn an_operator_sees_what_was_kept_long_enough_before_it_is_deleted() {
    let app = App::at(Clock::system()).await;
    let (tenant, user) = (app.tenant("acme").await, app.test.user().await);
    app.test.member(tenant, user, "owner").await;
    let old = format!(
        "insert into data.notification (tenant_id, user_id, event_id, kind, subject, data, at, listed, digest)
        values ('{tenant}', '{user}', gen_random_uuid(), 'test', '', '{{}}', now() - interval '181 days', true, false)"
    );
    sqlx::query(sqlx::AssertSqlSafe(old)).execute(&mut app.owner().await).await.unwrap();
    let tables = async || {
        let tables = json(&command(&app, &["retention", "list", "--json"]).await)["tables"].clone();
        tables
            .as_array()
            .unwrap()
            .iter()
            .map(|table| (table["table"].as_str().unwrap().to_owned(), table.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let listed = tables().await;
    let inventory: BTreeSet<_> = app.test.db.inventory().iter().map(|table| table.name.to_owned()).collect();
    assert_eq!(listed.keys().cloned().collect::<BTreeSet<_>>(), inventory, "each table says how long");
    let kept = &listed["data.notification"];
    assert_eq!((&kept["due"], &kept["retention"]["days"]), (&1.into(), &180.into()));
    let words = command(&app, &["retention", "list"]).await.stdout;
    assert!(words.contains("1 due  180 days"), "{words}");
    let deleted = json(&command(&app, &["retention", "apply", "--json"]).await)["deleted"].clone();
    assert!(deleted.as_array().unwrap().contains(&serde_json::json!({ "table": "data.notification", "rows": 1 })), "{deleted}");
    assert_eq!(tables().await["data.notification"]["due"], 0);
    assert!(command(&app, &["retention", "apply"]).await.stdout.contains("0 rows of"));
}

/// NOT-01: why nothing is sent to an address, and the way to send there again.
#[tokio::test]
async fn an_operator_sees_why_an_address_gets_no_mail_and_lifts_it() {
    let app = App::at(Clock::system()).await;
    let mut tx = app.test.db.system("arrange a test").begin().await.unwrap();
    let suppressions = Suppressions::new(app.program.master_key.clone());
    suppressions.add_in(&mut tx, "gone@example.com", SuppressionReason::Bounce, Some("550 5.1.1 nobody here")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(json(&command(&app, &["mail", "stats", "--json"]).await)["suppressed_addresses"], 1);
    assert_eq!(json(&command(&app, &["mail", "suppressed", "--json"]).await)["suppressed"][0]["reason"], "bounce");
    let shown = command(&app, &["mail", "show", "Gone@Example.com"]).await;
    assert!(
        shown.status.success() && shown.stdout.contains("there is no such mailbox") && shown.stdout.contains("nobody here"),
        "{shown:?}"
    );
    assert!(command(&app, &["mail", "lift", "gone@example.com"]).await.status.success());
    for arguments in [["mail", "show", "gone@example.com"], ["mail", "lift", "gone@example.com"]] {
        assert_eq!(command(&app, &arguments).await.status.code(), Some(1), "{arguments:?}");
    }
    assert!(command(&app, &["mail", "suppressed"]).await.stdout.contains("mail goes to every address"));
    // What no answer of a mail server said.
    let suppress = ["mail", "suppress", "angry@example.com", "--reason", "complaint"];
    assert!(command(&app, &suppress).await.stdout.contains("no mail goes there any more"));
    assert!(command(&app, &["mail", "show", "angry@example.com"]).await.stdout.contains("its owner complained"));
    assert_eq!(command(&app, &["mail", "suppress", "angry@example.com"]).await.status.code(), Some(2), "a reason is asked for");
}

/// A mail server's report that somebody's mailbox is not there.
fn bounce(message_id: &str, to: &str) -> String {
    format!(
        "From MAILER-DAEMON Tue Nov  3 10:00:00 2026\nFrom: MAILER-DAEMON@mx.example.com\nTo: bounces@example.com\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"part\"\n\n--part\n\nIt came back.\n\n--part\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; {to}\nAction: failed\n\
         Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 nobody here\n\n--part\nContent-Type: text/rfc822-headers\n\n\
         Subject: Confirm your address\nMessage-ID: {message_id}\n\n--part--\n"
    )
}

/// NOT-01: what comes back by mail is handed in by the mail server, which is told to bring it again whenever nobody can tell, and never else.
#[tokio::test]
async fn a_mail_server_hands_in_what_comes_back() {
    let app = App::at(Clock::system()).await;
    let (ada, eve) = (app.person().await, app.person().await);
    let mails = app.mailbox.list().await.unwrap();
    let id = mails.iter().find(|kept| kept.mail.to == ada.email).unwrap().mail.message_id.to_string();
    let folder = folder();
    let hands_in = Settings::of(&app, folder.path(), &["mail", "report"]);
    let taken = bounce(&id, &ada.email);

    // The database is away, or somebody has mistyped a setting.
    for (name, value) in [("DATABASE_SYSTEM_URL", "postgres://nobody@127.0.0.1:9/nowhere"), ("SAAS_MASTER_KEY", "short")] {
        let later = hands_in.clone().set(name, value).run_with(taken.as_bytes()).await;
        assert_eq!(later.status.code(), Some(75), "{name}: {later:?}");
    }
    let large = format!("Subject: Hello\n\n{}", "a large mail\n".repeat(200_000));
    let dropped = [
        (bounce(&id, &eve.email), "went to another address"),
        (bounce(&id.replace('@', "@another."), &ada.email), "none of our letters"),
        (bounce(&id.replace('@', "@\0"), &ada.email), "does not return"),
        (bounce(&id.replace('@', &format!("@{}", "long.".repeat(100))), &ada.email), "does not return"),
        ("Subject: Hello\n\nHow are you?\n".to_owned(), "no report"),
        (large, "larger than a report"),
    ];
    for (message, why) in dropped {
        let ended = hands_in.run_with(message.as_bytes()).await;
        assert!(ended.status.success() && ended.stdout.contains(why) && ended.stderr.contains(why), "{ended:?}");
    }
    assert!(command(&app, &["mail", "suppressed"]).await.stdout.contains("mail goes to every address"));

    assert!(hands_in.run_with(taken.as_bytes()).await.stdout.contains("no such mailbox"));
    let again = json(&hands_in.clone().argument("--json").run_with(taken.as_bytes()).await);
    assert_eq!(again["report"], "bounce");
    let shown = command(&app, &["mail", "show", &ada.email]).await.stdout;
    assert!(shown.contains("there is no such mailbox") && shown.contains("nobody here"), "{shown}");
    assert_eq!(command(&app, &["mail", "show", &eve.email]).await.status.code(), Some(1));
}

/// OPS-01: jobs that failed for good are seen, with what they carry, and done again.
#[tokio::test]
async fn an_operator_sees_jobs_that_failed_for_good_and_has_them_done_again() {
    let app = App::at(Clock::system()).await;
    let tenant = app.tenant("acme").await;
    let dead = "insert into core.job
            (id, tenant_id, name, payload, lane, attempts, attempt, state, error, enqueued_at, due_at, died_at)
        select gen_random_uuid(), tenant.id, 'test.howl', '{\"word\": \"howl\"}', 0, 3, 3, 'dead', 'the moon is full', now(), now(), now()
        from core.tenant tenant, generate_series(1, 3)";
    sqlx::query(dead).execute(&mut app.owner().await).await.unwrap();
    assert_eq!(json(&command(&app, &["jobs", "stats", "--json"]).await)["dead"], 3);
    let listed = json(&command(&app, &["jobs", "dead", "--json"]).await)["dead"].clone();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["tenant"]), (3, &tenant.to_string().into()));
    let id = listed[0]["id"].as_str().unwrap();
    let shown = command(&app, &["jobs", "show", id]).await.stdout;
    assert!(shown.contains("the moon is full") && shown.contains(r#"{"word":"howl"}"#), "{shown}");
    assert_eq!(json(&command(&app, &["jobs", "replay", id, "--json"]).await)["replayed"], 1);
    for again in [["jobs", "replay", id], ["jobs", "show", id]] {
        assert_eq!(command(&app, &again).await.status.code(), Some(1), "{again:?}");
    }
    assert_eq!(json(&command(&app, &["jobs", "replay", "--all", "--json"]).await)["replayed"], 2);
    assert!(command(&app, &["jobs", "dead"]).await.stdout.contains("no job failed for good"));
    assert_eq!(json(&command(&app, &["jobs", "stats", "--json"]).await)["dead"], 0);
}

/// TEN-01: an operator sees how an organization's flags are set and sets them, with a reason; names that nobody reads are the doctor's to say.
#[tokio::test]
async fn an_operator_sets_a_flag_with_a_reason() {
    let app = App::at(Clock::system()).await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let on = async || owner.browser.get("/api/v1/organization/flags").await.json()["items"][0]["on"].clone();
    let listed = json(&command(&app, &["flags", "list", "--tenant", "acme", "--json"]).await)["flags"][0].clone();
    assert_eq!(
        (&listed["name"], &listed["owner"], &listed["on"], &listed["set"]),
        (&"latency".into(), &"organization".into(), &false.into(), &Value::Null)
    );
    assert_eq!(on().await, false);
    let id = tenant.to_string();
    let set = ["flags", "set", "latency", "on", "--tenant", &id, "--reason", "ticket 7", "--json"];
    assert_eq!(json(&command(&app, &set).await)["changed"], true);
    assert_eq!(json(&command(&app, &set).await)["changed"], false);
    assert_eq!(on().await, true, "from the next request on");
    let log = owner.browser.get("/api/v1/audit").await.text();
    assert!(log.contains("tenancy.flag.switched") && log.contains("ticket 7"), "{log}");
    assert!(command(&app, &["flags", "list", "--tenant", "acme"]).await.stdout.contains("on"));
    let reset = command(&app, &["flags", "set", "latency", "default", "--tenant", "acme", "--reason", "ticket 8"]).await;
    assert!(reset.status.success() && reset.stdout.contains("as the product has it"), "{reset:?}");
    assert_eq!(on().await, false);
    for wrong in [
        ["flags", "set", "nothing", "on", "--tenant", "acme", "--reason", "x"],
        ["flags", "set", "latency", "on", "--tenant", "nobody", "--reason", "x"],
    ] {
        assert_eq!(command(&app, &wrong).await.status.code(), Some(1), "{wrong:?}");
    }
    assert_eq!(command(&app, &["flags", "set", "latency", "on", "--tenant", "acme"]).await.status.code(), Some(2), "a reason is asked for");

    let doctor = json(&command(&app, &["doctor", "--json"]).await);
    assert!(!doctor.to_string().contains("flag-unknown"), "{doctor}");
    sqlx::query("update core.tenant set flags = '{\"forgotten\": true}'").execute(&mut app.owner().await).await.unwrap();
    let doctor = command(&app, &["doctor", "--json"]).await;
    assert!(doctor.status.success(), "a warning stops nobody: {doctor:?}");
    let findings = json(&doctor)["findings"].clone();
    let found = findings.as_array().unwrap().iter().find(|finding| finding["rule"] == "flag-unknown").unwrap();
    assert_eq!((&found["object"], &found["severity"]), (&"forgotten".into(), &"warning".into()));
    assert_eq!(on().await, false);
}

/// ASVS 7.4.5: an operator ends the sessions of one person or of everybody, with a reason. What they have open ends with them, and they are told.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_the_sessions_of_a_person_or_of_all() {
    let app = App::at(Clock::system()).await;
    let tenant = app.tenant("acme").await;
    let (ada, bob) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
    let tokens = ada.browser.post("/api/v1/auth/token", &serde_json::json!({ "organization": tenant })).await.json();
    let program = app.anon().bearer(tokens["access_token"].as_str().unwrap());
    assert_eq!(program.get("/api/v1/devices").await.status, 200);
    let (adas, mut bobs) = (Stream::open(&ada.browser).await, Stream::open(&bob.browser).await);

    let one = ["people", "end-sessions", &ada.email, "--reason", "ticket 7: a lost laptop", "--json"];
    assert_eq!(json(&command(&app, &one).await), serde_json::json!({ "people": 1, "sessions": 1, "programs": 1 }));
    adas.ends().await;
    assert_eq!(ada.browser.get("/api/v1/auth/me").await.status, 401);
    assert_eq!(program.get("/api/v1/devices").await.status, 401);
    let refresh = serde_json::json!({ "refresh_token": tokens["refresh_token"] });
    assert_eq!(app.anon().post("/api/v1/auth/token/refresh", &refresh).await.status, 422);
    let letter = app.letter(&ada.email).await;
    assert!(
        letter.contains("ended all your sessions") && !letter.contains("ticket 7") && !letter.contains("If that was not you"),
        "{letter}"
    );
    bobs.hears_nothing().await;
    assert_eq!(bob.browser.get("/api/v1/auth/me").await.status, 200);
    assert_eq!(json(&command(&app, &one).await)["people"], 0, "nothing is left to end, and nobody is told again");

    let log =
        "select data::jsonb->>'reason' from data.audit_entry where action = 'auth.sessions.ended_by_operator' and actor_kind = 'system'
        and resource = $1";
    let reasons: Vec<String> = sqlx::query_scalar(log).bind(ada.id.to_string()).fetch_all(&mut app.superuser().await).await.unwrap();
    assert_eq!(reasons, ["ticket 7: a lost laptop"]);

    let again = app.person().await;
    let all = command(&app, &["people", "end-sessions", "--all", "--reason", "the cookies were logged"]).await;
    assert!(all.status.success() && all.stdout.contains("people 2, sessions 2, programs 0: ended"), "{all:?}");
    bobs.ends().await;
    for person in [&bob, &again] {
        assert_eq!(person.browser.get("/api/v1/auth/me").await.status, 401);
        assert!(app.letter(&person.email).await.contains("ended all your sessions"));
    }
    let none = command(&app, &["people", "end-sessions", "--all", "--reason", "once more"]).await;
    assert!(none.stdout.contains("there was nothing to end"), "{none:?}");
    let back = serde_json::json!({ "email": ada.email, "password": PASSWORD });
    assert_eq!(app.anon().post("/api/v1/auth/sign-in", &back).await.status, 200, "they sign in again");

    let unknown = command(&app, &["people", "end-sessions", "nobody@example.com", "--reason", "x"]).await;
    assert!(unknown.status.code() == Some(1) && unknown.stderr.contains("no account"), "{unknown:?}");
    for wrong in [vec!["--all"], vec!["--reason", "x"], vec!["--all", "--reason", ""], vec!["ada", "--reason", "x"]] {
        let arguments: Vec<_> = ["people", "end-sessions"].into_iter().chain(wrong).collect();
        assert_eq!(command(&app, &arguments).await.status.code(), Some(2), "{arguments:?}");
    }
}

/// TEN-16: the doctor says when program and database disagree about the seal.
#[tokio::test]
async fn a_database_is_sealed_and_opened_from_the_command_line() {
    const SEALED: (&str, &str) = ("SAAS_SEALED", "true");
    let app = App::at(Clock::system()).await;
    let rules = |doctor: &Ended| {
        let found: Value = serde_json::from_str(&doctor.stdout).unwrap();
        let rules = found["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap().to_owned());
        rules.filter(|rule| rule.contains("seal")).collect::<Vec<_>>()
    };
    let doctor = ["doctor", "--json"];
    assert_eq!(rules(&command(&app, &doctor).await), Vec::<String>::new());
    assert_eq!(rules(&command_with(&app, SEALED, &doctor).await), ["unsealed"]);
    assert!(command_with(&app, SEALED, &["migrate"]).await.status.success());
    assert_eq!(rules(&command_with(&app, SEALED, &doctor).await), Vec::<String>::new());
    assert_eq!(rules(&command(&app, &doctor).await), ["sealed"]);
    // Without the option it stays as it is.
    assert!(command(&app, &["migrate"]).await.status.success());
    assert_eq!(rules(&command(&app, &doctor).await), ["sealed"]);
    assert!(command(&app, &["migrate", "--unseal"]).await.status.success());
    assert_eq!(rules(&command(&app, &doctor).await), Vec::<String>::new());
}
