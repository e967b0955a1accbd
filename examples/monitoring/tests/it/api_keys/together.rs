//! Many at once.

use futures_util::future::join_all;
use http::StatusCode;
use saas_tenancy::Role;
use serde_json::json;

use super::{DEVICES, HOUR, Key, READ, at_noon, works};
use crate::app::{expect, expect_problem};

/// AUT-10: while a key is rotated nobody who has either secret is turned away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_uses_of_a_rotated_key_at_once_all_work_and_the_old_ones_end_together() {
    let (app, clock) = at_noon().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    let new = app.anon().bearer(&key.rotated(&owner, 1).await);
    let each = async || join_all((0..50).map(|nth| works(if nth % 2 == 0 { &key.program } else { &new }))).await;
    assert!(each().await.into_iter().all(|works| works));
    clock.advance(HOUR);
    let after = each().await;
    assert!(after.iter().enumerate().all(|(nth, works)| *works == (nth % 2 == 1)), "{after:?}");
}

/// AUT-10: of many rotations at once each counts, one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_rotations_at_once_the_last_two_secrets_work() {
    let (app, _) = at_noon().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    let secrets = join_all((0..50).map(|_| key.rotated(&owner, 24))).await;
    let works = join_all(secrets.iter().map(async |secret| works(&app.anon().bearer(secret)).await)).await;
    assert_eq!(works.into_iter().filter(|works| *works).count(), 2);
    assert!(!key.works().await);
    assert_eq!(app.count("select count(*) from outbox where name = 'auth.api_key.rotated'").await, 50);
}

/// AUT-10: whichever comes first, a revoked key has no secret that works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_while_it_is_rotated_is_revoked() {
    let (app, _) = at_noon().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    for _ in 0..10 {
        let key = Key::made(&app, &owner, READ).await;
        let (path, body) = (format!("{}/rotate", key.path()), json!({ "overlap_hours": 24 }));
        let rotate = owner.browser.post(&path, &body);
        let revoking = key.path();
        let (rotated, revoked) = tokio::join!(rotate, owner.browser.delete(&revoking));
        expect(&revoked, StatusCode::NO_CONTENT);
        if rotated.status == StatusCode::CREATED {
            assert!(!works(&app.anon().bearer(rotated.json()["key"].as_str().unwrap())).await);
        } else {
            expect_problem(&rotated, StatusCode::CONFLICT, "conflict");
        }
        assert!(!key.works().await);
    }
}

/// AUT-10: uses that are under way when a key is revoked are answered one way or the other, and none after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_use_of_a_key_comes_after_its_end() {
    let (app, _) = at_noon().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    let revoking = key.path();
    let uses = join_all((0..50).map(|_| works(&key.program)));
    let (_, revoked) = tokio::join!(uses, owner.browser.delete(&revoking));
    expect(&revoked, StatusCode::NO_CONTENT);
    assert!(join_all((0..50).map(|_| works(&key.program))).await.into_iter().all(|works| !works));
}

/// AUT-10: the time of the last use costs one write a minute, off the request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_is_written_once_a_minute() {
    let (app, clock) = at_noon().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    let count = "create table public.use (at timestamptz);
        create function public.used() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
            as $$ begin insert into public.use values (new.last_used_at); return null; end $$;
        grant select on public.use to public;
        create trigger used after update on auth.api_key for each row execute function public.used();";
    let mut superuser = app.superuser().await;
    sqlx::raw_sql(count).execute(&mut superuser).await.unwrap();
    for minute in 1..=3 {
        assert!(join_all((0..50).map(|_| works(&key.program))).await.into_iter().all(|works| works));
        app.until("the use is noted", async || app.count("select count(*) from public.use").await >= minute).await;
        for _ in 0..5 {
            expect(&key.program.get(DEVICES).await, StatusCode::OK);
        }
        let about = key.about(&owner).await;
        assert_eq!(about["last_used_at"], json!(clock.now()), "{about}");
        clock.advance(chrono::TimeDelta::seconds(61));
    }
    // When nothing is being written any more.
    app.program.db.close().await;
    assert_eq!(app.count("select count(*) from public.use").await, 3);
}
