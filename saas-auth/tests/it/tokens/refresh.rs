use chrono::TimeDelta;
use serde_json::json;

use super::scene::{ADA, Scene, pair, part};

/// AUT-04, RFC 9700, section 4.14: whoever comes second tells that there are two.
#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_all_that_came_of_it() {
    let scene = Scene::new().await;
    let first = scene.tokens().await;
    let others = scene.tokens().await;
    let mut tx = scene.app.system().await;
    sqlx::query("update auth.token_family set name = 'Backup script'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let mails = scene.app.mailbox.all().await.len();
    let second = pair(&scene.refresh(&first.refresh).await);
    let third = pair(&scene.refresh(&second.refresh).await);
    assert_eq!(scene.holder(&first.access).await.status, 200, "an access token works until its hour is over");
    // It need not be the last one that was used.
    let again = scene.refresh(&first.refresh).await;
    assert_eq!(again.status, 422);
    assert!(!again.text().contains("ada"), "{}", again.text());
    for access in [&first.access, &second.access, &third.access] {
        assert_eq!(scene.holder(access).await.status, 401);
    }
    for refresh in [&first.refresh, &second.refresh, &third.refresh] {
        assert_eq!(scene.refresh(refresh).await.status, 422);
    }
    assert_eq!(scene.events("auth.tokens.reused").await, 1);
    let mail = scene.app.mailbox.nth(mails + 1).await;
    assert_eq!(mail.to, ADA);
    assert!(mail.subject.contains("somebody may have copied its token"), "{}", mail.subject);
    assert!(!mail.text.contains("nothing to do") && mail.text.contains("Program: Backup script"), "{}", mail.text);
    assert_eq!(scene.app.mailbox.all().await.len(), mails + 1, "once");
    assert_eq!(scene.holder(&others.access).await.status, 200, "another program's are not touched");
    assert_eq!(scene.refresh(&others.refresh).await.status, 200);
}

/// ASVS 10.4.5: fifty at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_use_a_refresh_token_at_once_one_gets_a_pair() {
    let scene = Scene::new().await;
    let tokens = scene.tokens().await;
    let mails = scene.app.mailbox.all().await.len();
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (browser, body) = (scene.app.browser(), json!({ "refresh_token": tokens.refresh }));
            tokio::spawn(async move { browser.post("/api/v1/auth/token/refresh", &body).await })
        })
        .collect();
    let (mut given, mut refused) = (Vec::new(), 0);
    for answer in tries {
        let answer = answer.await.unwrap();
        match answer.status.as_u16() {
            200 => given.push(pair(&answer)),
            422 => refused += 1,
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!((given.len(), refused), (1, 49));
    assert_eq!(scene.holder(&given[0].access).await.status, 401, "one of fifty is a thief, and nobody knows which");
    assert_eq!(scene.refresh(&given[0].refresh).await.status, 422);
    assert_eq!(scene.events("auth.tokens.reused").await, 1);
    scene.app.mailbox.nth(mails + 1).await;
    assert_eq!(scene.app.mailbox.all().await.len(), mails + 1);
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The same text with another character at a place, and the checksum that fits.
fn altered(token: &str, place: usize) -> String {
    let mut text = token[..token.len() - 6].to_owned();
    let other = if text[place..].starts_with('x') { "y" } else { "x" };
    text.replace_range(place..=place, other);
    let mut checksum = crc32fast::hash(text.as_bytes());
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(checksum % 62) as usize];
        checksum /= 62;
    }
    text + std::str::from_utf8(&digits).unwrap()
}

/// A checksum is no secret, and the id of the family stands in each access token: neither lets anybody end what is not theirs.
#[tokio::test]
async fn nobody_ends_tokens_with_a_refresh_token_that_they_made_up() {
    let scene = Scene::new().await;
    let first = scene.tokens().await;
    let second = pair(&scene.refresh(&first.refresh).await);
    let secret = first.refresh.len() - 6 - 43;
    for token in [&first.refresh, &second.refresh] {
        for place in [secret + 1, secret + 20, secret + 42] {
            let made_up = altered(token, place);
            assert_eq!(scene.refresh(&made_up).await.status, 422, "{made_up}");
            let revoked = scene.app.browser().post("/api/v1/auth/token/revoke", &json!({ "token": made_up })).await;
            assert_eq!(revoked.status, 200);
        }
    }
    let long = "x".repeat(10_000);
    for text in ["", "none", "mon_refresh_", &first.access, &long] {
        assert_eq!(scene.refresh(text).await.status, 422, "{text:.40}");
    }
    assert_eq!(scene.holder(&second.access).await.status, 200);
    assert_eq!(scene.refresh(&second.refresh).await.status, 200);
    assert_eq!(scene.events("auth.tokens.reused").await, 0);
}

/// ASVS 8.3.2: what a token says is as old as it is; who its holder is, is asked anew.
#[tokio::test]
async fn the_next_token_says_what_its_person_is_by_then() {
    let scene = Scene::new().await;
    let first = scene.tokens().await;
    scene.execute("update core.member set role = 'viewer' where role = 'member'").await;
    assert_eq!(scene.holder(&first.access).await.json()["role"], "viewer", "at once");
    assert_eq!(part(&first.access, 1)["role"], "member");
    let second = pair(&scene.refresh(&first.refresh).await);
    assert_eq!(part(&second.access, 1)["role"], "viewer");
}

/// ASVS 10.4.8: however often a program comes back, its person signs in again after 30 days.
#[tokio::test]
async fn a_program_asks_its_person_again_after_thirty_days() {
    let scene = Scene::new().await;
    let mut tokens = scene.tokens().await;
    for _ in 0..29 {
        scene.app.later(TimeDelta::days(1));
        tokens = pair(&scene.refresh(&tokens.refresh).await);
        assert_eq!(tokens.expires_in, 3600);
    }
    scene.app.later(TimeDelta::days(1) - TimeDelta::minutes(10));
    tokens = pair(&scene.refresh(&tokens.refresh).await);
    assert_eq!(tokens.expires_in, 600, "no access token outlives its family");
    assert_eq!(scene.holder(&tokens.access).await.status, 200);
    scene.app.later(TimeDelta::minutes(10));
    assert_eq!(scene.holder(&tokens.access).await.status, 401);
    assert_eq!(scene.refresh(&tokens.refresh).await.status, 422);
    assert_eq!(scene.events("auth.tokens.reused").await, 0);
}

/// A clock that jumps, as that of a machine that was asleep or of a node that is wrong.
#[tokio::test]
async fn a_clock_that_jumps_locks_no_program_out_for_good() {
    let scene = Scene::new().await;
    let first = scene.tokens().await;
    scene.app.later(TimeDelta::hours(5));
    assert_eq!(scene.holder(&first.access).await.status, 401);
    let second = pair(&scene.refresh(&first.refresh).await);
    assert_eq!(scene.holder(&second.access).await.status, 200);
    scene.app.later(-TimeDelta::hours(8));
    assert_eq!(scene.holder(&second.access).await.status, 401, "made in the future");
    let third = pair(&scene.refresh(&second.refresh).await);
    assert_eq!((scene.holder(&third.access).await.status.as_u16(), third.expires_in), (200, 3600));
    scene.app.later(-TimeDelta::seconds(59));
    assert_eq!(scene.holder(&third.access).await.status, 200, "the clocks of two nodes are a little apart");
    scene.app.later(-TimeDelta::seconds(2));
    assert_eq!(scene.holder(&third.access).await.status, 401);
}
