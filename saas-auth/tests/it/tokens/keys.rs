//! The keys that sign.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use saas_auth::{Rotation, signing_key_rotate};
use saas_core::{MasterKey, testing::TestApp};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::scene::{Scene, holder, pair, part, refresh};

/// The ids of the published keys, the newest first.
async fn published(app: &TestApp) -> Vec<String> {
    let keys = app.browser().get("/.well-known/jwks.json").await.json()["keys"].clone();
    keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn key_of(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

async fn rotate(scene: &Scene, rotation: Rotation) -> String {
    signing_key_rotate(&scene.system(), &scene.app.keys, rotation).await.unwrap().id.to_string()
}

/// A library that knows nothing of us.
const VERIFY: &str = r"
import json, sys, jwt
given = json.load(sys.stdin)
key = jwt.PyJWKSet.from_dict(given['keys'])[jwt.get_unverified_header(given['token'])['kid']]
try:
    print(json.dumps(jwt.decode(given['token'], key, audience=given['audience'], issuer=given['issuer'], options={
        'verify_exp': False, 'verify_iat': False, 'require': ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
    })))
except jwt.InvalidTokenError as error:
    print(json.dumps(type(error).__name__))
";

async fn verified(keys: &Value, token: &str, audience: &str) -> Value {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/python/bin/python3");
    let mut child = Command::new(python)
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{python}: {error}; tests/install makes it"));
    let given = json!({ "keys": keys, "token": token, "audience": audience, "issuer": "http://localhost:3000" });
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// RFC 7517, RFC 8037, RFC 9068: PyJWT takes our tokens with our published keys, and nothing else.
#[tokio::test]
async fn another_library_reads_our_tokens_with_our_published_keys() {
    let scene = Scene::new().await;
    assert!(published(&scene.app).await.is_empty(), "there is no key before there is a token");
    let token = scene.tokens().await.access;
    let answer = scene.app.browser().get("/.well-known/jwks.json").await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let keys = answer.json();
    let key = &keys["keys"][0];
    let names: Vec<_> = key.as_object().unwrap().keys().collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "nothing of the private half");
    assert_eq!((&key["kty"], &key["crv"], &key["alg"], &key["use"]), (&"OKP".into(), &"Ed25519".into(), &"EdDSA".into(), &"sig".into()));
    assert_eq!(verified(&keys, &token, "http://localhost:3000/api").await, part(&token, 1));
    assert_eq!(verified(&keys, &token, "http://localhost:3000").await, "InvalidAudienceError");
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other = URL_SAFE_NO_PAD.encode([7; 64]);
    assert_ne!(signature, other);
    assert_eq!(verified(&keys, &format!("{head}.{other}"), "http://localhost:3000/api").await, "InvalidSignatureError");
}

/// ASVS 11.1.1: known before it signs, known until what it signed is over.
#[tokio::test]
async fn a_key_is_published_a_day_before_it_signs_and_as_long_as_its_tokens_last() {
    let scene = Scene::new().await;
    let tokens = scene.tokens().await;
    let old = key_of(&tokens.access);
    let new = rotate(&scene, Rotation::Planned).await;
    assert_eq!(published(&scene.app).await, [new.clone(), old.clone()]);
    assert_eq!(rotate(&scene, Rotation::Planned).await, new, "one that waits is enough");
    assert_eq!(key_of(&scene.tokens().await.access), old);
    scene.app.later(TimeDelta::hours(24) - TimeDelta::seconds(1));
    let scene = Scene { browser: scene.app.signed_in(super::scene::ADA).await, ..scene };
    let last = scene.tokens().await;
    assert_eq!(key_of(&last.access), old);
    scene.app.later(TimeDelta::seconds(1));
    let first = pair(&scene.refresh(&last.refresh).await);
    assert_eq!(key_of(&first.access), new);
    scene.app.later(TimeDelta::minutes(59));
    assert_eq!(scene.holder(&last.access).await.status, 200, "what the old one signed counts until its hour is over");
    assert_eq!(published(&scene.app).await, [new.clone(), old]);
    scene.app.later(TimeDelta::minutes(10));
    assert_eq!(published(&scene.app).await, [new]);
    assert_eq!(scene.events("auth.signing_key.rotated").await, 1);
}

/// What the program does by itself at night.
#[tokio::test]
async fn each_month_another_key_signs_and_those_of_long_ago_are_forgotten() {
    let scene = Scene::new().await;
    let night = async || scene.app.auth.rotate_signing_keys(&scene.system()).await.unwrap();
    night().await;
    assert!(published(&scene.app).await.is_empty(), "nobody asked for a token yet");
    scene.tokens().await;
    let mut seen = published(&scene.app).await;
    for day in 1..=100 {
        scene.app.later(TimeDelta::days(1));
        night().await;
        for key in published(&scene.app).await {
            if !seen.contains(&key) {
                seen.push(key);
            }
        }
        assert!(published(&scene.app).await.len() <= 2, "day {day}");
    }
    assert_eq!(seen.len(), 4, "on days 30, 61 and 92");
    scene.app.test.sweep().await;
    assert_eq!(scene.app.count("select count(*) from auth.signing_key").await, 2, "the others have been over for a month");
}

/// A key that somebody else may have: what it signed counts no more, on every node and at once, and programs go on with other tokens.
#[tokio::test]
async fn what_a_stolen_key_signs_is_refused_from_the_next_request_on() {
    let scene = Scene::new().await;
    let tokens = scene.tokens().await;
    let other = scene.app.again();
    assert_eq!(holder(&other, &tokens.access).await.status, 200, "the other node knows the key");
    let waiting = rotate(&scene, Rotation::Planned).await;
    let new = rotate(&scene, Rotation::Compromised).await;
    assert_ne!(new, waiting);
    for app in [&*scene.app, &other] {
        assert_eq!(holder(app, &tokens.access).await.status, 401);
        assert_eq!(published(app).await, std::slice::from_ref(&new));
    }
    let next = pair(&refresh(&other, &tokens.refresh).await);
    assert_eq!(key_of(&next.access), new);
    for app in [&*scene.app, &other] {
        assert_eq!(holder(app, &next.access).await.status, 200);
    }
}

/// Two programs that start, or two operators.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_makes_a_key_at_once_makes_one() {
    let scene = Scene::new().await;
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let browser = scene.browser.clone();
            tokio::spawn(async move { pair(&browser.post("/api/v1/auth/token", &json!({ "organization": "acme" })).await) })
        })
        .collect();
    for tokens in asking {
        assert_eq!(scene.holder(&tokens.await.unwrap().access).await.status, 200);
    }
    assert_eq!(published(&scene.app).await.len(), 1);
    let rotating: Vec<_> = (0..8)
        .map(|_| {
            let (system, keys) = (scene.system(), scene.app.keys.clone());
            tokio::spawn(async move { signing_key_rotate(&system, &keys, Rotation::Planned).await.unwrap().id })
        })
        .collect();
    let mut made = Vec::new();
    for rotation in rotating {
        made.push(rotation.await.unwrap());
    }
    made.dedup();
    assert_eq!((made.len(), published(&scene.app).await.len()), (1, 2), "{made:?}");
}

/// The private half is sealed, and opens with the master key that it was sealed with, also after that one's rotation.
#[tokio::test]
async fn a_key_lies_sealed_in_the_database() {
    let scene = Scene::new().await;
    scene.tokens().await;
    let (_, seed) = scene.stolen_seed().await;
    let mut tx = scene.app.system().await;
    let row: String = sqlx::query_scalar("select to_jsonb(k)::text from auth.signing_key k").fetch_one(&mut *tx).await.unwrap();
    drop(tx);
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!row.contains(&hex));
    let both: MasterKey = format!("{},{}", *MasterKey::generate().text(), *scene.app.keys.text()).parse().unwrap();
    let rotated = scene.app.again_with_keys(&both);
    let tokens = scene.tokens().await;
    assert_eq!(pair(&refresh(&rotated, &tokens.refresh).await).expires_in, 3600);
    let other = scene.app.again_with_keys(&MasterKey::generate());
    assert_eq!(refresh(&other, &scene.tokens().await.refresh).await.status, 422, "a token that another master key has marked");
}

/// Programs that work on two nodes while the key rotates, for a day and an hour: nobody is refused once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_key_rotates_not_one_request_is_refused() {
    const PROGRAMS: usize = 4;
    let scene = Scene::new().await;
    let nodes = [scene.app.again(), scene.app.again()];
    let stop = Arc::new(AtomicBool::new(false));
    let rounds: Arc<[AtomicUsize]> = (0..PROGRAMS).map(|_| AtomicUsize::new(0)).collect();
    let mut programs = Vec::new();
    for number in 0..PROGRAMS {
        let (mut tokens, nodes, stop, rounds) = (scene.tokens().await, nodes.clone(), Arc::clone(&stop), Arc::clone(&rounds));
        programs.push(tokio::spawn(async move {
            let mut keys = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                tokens = pair(&refresh(&nodes[number % 2], &tokens.refresh).await);
                keys.push(key_of(&tokens.access));
                for node in &nodes {
                    let answer = holder(node, &tokens.access).await;
                    assert_eq!(answer.status, 200, "program {number}: {}", answer.text());
                }
                rounds[number].fetch_add(1, Ordering::SeqCst);
            }
            keys.dedup();
            keys
        }));
    }
    // Between two steps of the clock each program gets other tokens, so none has any that is older than its hour.
    let all_have_been_round = async || {
        let before: Vec<_> = rounds.iter().map(|round| round.load(Ordering::SeqCst)).collect();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
        while rounds.iter().zip(&before).any(|(round, before)| round.load(Ordering::SeqCst) < before + 2) {
            assert!(tokio::time::Instant::now() < deadline, "the programs go on");
            assert!(programs.iter().all(|program| !program.is_finished()), "no program was refused");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    all_have_been_round().await;
    let new = rotate(&scene, Rotation::Planned).await;
    for _ in 0..32 {
        all_have_been_round().await;
        scene.app.later(TimeDelta::minutes(50));
    }
    all_have_been_round().await;
    stop.store(true, Ordering::SeqCst);
    for program in programs {
        let keys = program.await.unwrap();
        assert_eq!((keys.len(), keys.last()), (2, Some(&new)), "the old key and then the new one");
    }
    assert_eq!(published(&scene.app).await, [new]);
}
