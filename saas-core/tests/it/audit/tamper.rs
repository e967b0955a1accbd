//! Whoever has the whole database changes the log: the verifier names the first entry that is not as it was.

use saas_core::{
    Ledger,
    audit::{Checkpoint, FaultKind},
};

use super::Chain;
use crate::{
    happening::happen,
    planted::{as_superuser, connect},
    rounds::{CHAIN, EACH},
};

/// What can be changed of an entry, of each of its columns something.
const CHANGES: &[&str] = &[
    "at = at + interval '1 microsecond'",
    "action = 'test.other'",
    "version = 2",
    "severity = 'critical'",
    "actor_kind = 'agent'",
    "actor_id = gen_random_uuid()",
    "actor_id = null, actor_kind = 'system'",
    "actor_kind = 'admin', on_behalf_of = gen_random_uuid()",
    "resource = 'other'",
    "data = data || ' '",
    "data = '{\"number\":99}'",
    "request_id = null",
    "request_id = gen_random_uuid()",
    "address = '192.0.2.8'",
    "address = null",
    "user_agent = 'x'",
    "user_agent = null",
    "salt = '\\x00'",
    "salt = null",
    "origin_digest = '\\x00'",
    "mac = '\\x00'",
    "id = gen_random_uuid()",
];

/// AUD-02
#[tokio::test]
async fn each_column_of_an_entry_that_was_changed_is_found_with_its_number() {
    let it = Chain::of(12).await;
    for change in CHANGES {
        it.tamper(&format!("create table public.kept as select * from data.audit_entry where number = 7; update data.audit_entry set {change} where number = 7")).await;
        assert_eq!(it.found().await, Some((FaultKind::Changed, 7)), "{change}");
        it.tamper(
            "delete from data.audit_entry where number = 7; insert into data.audit_entry select * from public.kept; drop table public.kept",
        )
        .await;
        assert_eq!(it.found().await, None, "{change}");
    }
}

/// AUD-02: each entry of a chain, changed once, from the last to the first: the one that is named is always the first that is not as it was, so
/// nothing need be put back in between.
#[tokio::test]
async fn each_entry_of_a_chain_that_was_changed_is_found_with_its_number() {
    let count = EACH.number();
    let it = Chain::of(count).await;
    assert_eq!(it.found().await, None);
    let mut superuser = connect(it.test.database.superuser_url()).await;
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut superuser).await.unwrap();
    for (number, change) in (1..=i64::try_from(count).unwrap()).rev().zip(CHANGES.iter().cycle()) {
        let changed = format!("update data.audit_entry set {change} where number = {number}");
        let changed = sqlx::raw_sql(sqlx::AssertSqlSafe(changed)).execute(&mut superuser).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
        assert_eq!(it.found().await, Some((FaultKind::Changed, number)), "{change}");
    }
}

/// AUD-02: mutate, delete, insert and swap at many places of a long chain.
#[tokio::test]
async fn an_entry_that_was_changed_deleted_put_in_or_swapped_is_found_wherever_it_is() {
    let count = CHAIN.number();
    let it = Chain::of(count).await;
    let last = i64::try_from(count).unwrap();
    let places = [1, 2, last / 3, last / 2, last - 1, last];
    as_superuser(&it.test, "create table public.whole as select * from data.audit_entry").await;
    let restore = "delete from data.audit_entry; insert into data.audit_entry select * from public.whole";
    for number in places {
        it.tamper(&format!("update data.audit_entry set resource = 'x' where number = {number}")).await;
        assert_eq!(it.found().await, Some((FaultKind::Changed, number)));
        it.tamper(restore).await;

        it.tamper(&format!("delete from data.audit_entry where number = {number}")).await;
        let kind = if number == last { FaultKind::Truncated } else { FaultKind::Missing };
        assert_eq!(it.found().await, Some((kind, number)));
        // Closing the gap does not help.
        it.tamper(&format!("update data.audit_entry set number = number - 1 where number = {number} + 1")).await;
        assert_eq!(it.found().await.map(|(_, at)| at), Some(number));
        it.tamper(restore).await;

        // Put in between, with room made for it and a mac of its neighbour's.
        it.tamper(&format!(
            "alter table data.audit_entry drop constraint audit_entry_number_key;
             update data.audit_entry set number = number + 1 where number >= {number};
             insert into data.audit_entry select tenant_id, gen_random_uuid(), at, action, version, severity, actor_kind, actor_id,
                 on_behalf_of, 'forged', data, request_id, address, user_agent, {number}, salt, origin_digest, mac
                 from public.whole where number = {number};
             update data.audit_head set sealed = sealed + 1"
        ))
        .await;
        assert_eq!(it.found().await, Some((FaultKind::Changed, number)));
        it.tamper(&format!("{restore}; update data.audit_head set sealed = sealed - 1; alter table data.audit_entry add constraint audit_entry_number_key unique (tenant_id, number)")).await;

        if number < last {
            it.tamper(&format!(
                "update data.audit_entry set number = 2 * {number} + 1 - number + 1000000 where number in ({number}, {number} + 1);
                 update data.audit_entry set number = number - 1000000 where number > 1000000"
            ))
            .await;
            assert_eq!(it.found().await, Some((FaultKind::Changed, number)));
            it.tamper(restore).await;
        }
    }
    assert_eq!(it.found().await, None);
}

/// AUD-02: the signed end says how many there were.
#[tokio::test]
async fn a_chain_that_was_cut_is_found_and_so_is_a_changed_or_missing_end() {
    let it = Chain::of(20).await;
    as_superuser(
        &it.test,
        "create table public.whole as select * from data.audit_entry; create table public.head as select * from data.audit_head",
    )
    .await;
    let restore = "delete from data.audit_entry; insert into data.audit_entry select * from public.whole;
                   delete from data.audit_head; insert into data.audit_head select * from public.head";
    for (tampered, found) in [
        ("delete from data.audit_entry where number > 15", (FaultKind::Truncated, 16)),
        ("delete from data.audit_entry", (FaultKind::Truncated, 1)),
        ("truncate data.audit_entry", (FaultKind::Truncated, 1)),
        // With the end moved to where the chain was cut, which nobody can sign.
        (
            "delete from data.audit_entry where number > 15;
             update data.audit_head set sealed = 15, mac = (select mac from data.audit_entry where number = 15)",
            (FaultKind::Head, 15),
        ),
        ("update data.audit_head set at = at + interval '1 second'", (FaultKind::Head, 20)),
        // As if the beginning had been pruned.
        (
            "delete from data.audit_entry where number <= 5;
             update data.audit_head set pruned = 5, pruned_mac = (select mac from public.whole where number = 5)",
            (FaultKind::Head, 20),
        ),
        ("delete from data.audit_head", (FaultKind::Head, 1)),
        (
            "insert into data.audit_entry select tenant_id, gen_random_uuid(), at, action, version, severity, actor_kind, actor_id,
             on_behalf_of, resource, data, request_id, address, user_agent, 21, salt, origin_digest, mac from public.whole where number = 20",
            (FaultKind::Beyond, 21),
        ),
    ] {
        it.tamper(tampered).await;
        assert_eq!(it.found().await, Some(found), "{tampered}");
        it.tamper(restore).await;
        assert_eq!(it.found().await, None, "{tampered}");
    }
    // A chain whose end was tampered with is not signed again.
    it.tamper("update data.audit_head set sealed = 15").await;
    happen(&it.test, it.tenant, 1).await;
    assert_eq!(it.chain.seal_now().await.unwrap(), 0);
}

/// AUD-02: what the database alone cannot show, a copy of the signed end that was kept elsewhere does.
#[tokio::test]
async fn a_chain_that_was_put_back_with_its_end_is_found_by_a_checkpoint() {
    let it = Chain::of(10).await;
    as_superuser(
        &it.test,
        "create table public.whole as select * from data.audit_entry; create table public.head as select * from data.audit_head",
    )
    .await;
    happen(&it.test, it.tenant, 5).await;
    it.chain.seal_now().await.unwrap();
    let kept = it.chain.checkpoints().await.unwrap();
    // Through the file that it is kept in.
    let kept: Vec<Checkpoint> = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let ledger = Ledger::Tenant(it.tenant);
    assert_eq!(it.chain.verify(ledger, &kept).await.unwrap().fault, None);
    happen(&it.test, it.tenant, 2).await;
    it.chain.seal_now().await.unwrap();
    assert_eq!(it.chain.verify(ledger, &kept).await.unwrap().fault, None);

    it.tamper(
        "delete from data.audit_entry; insert into data.audit_entry select * from public.whole;
         delete from data.audit_head; insert into data.audit_head select * from public.head",
    )
    .await;
    assert_eq!(it.found().await, None);
    let fault = it.chain.verify(ledger, &kept).await.unwrap().fault.unwrap();
    assert_eq!((fault.kind, fault.number), (FaultKind::Truncated, 11));
    // Grown again to the same length it is another chain.
    happen(&it.test, it.tenant, 5).await;
    it.chain.seal_now().await.unwrap();
    let fault = it.chain.verify(ledger, &kept).await.unwrap().fault.unwrap();
    assert_eq!((fault.kind, fault.number), (FaultKind::Checkpoint, 15));
    // All of it gone.
    it.tamper("delete from data.audit_entry; delete from data.audit_head").await;
    assert!(it.chain.verify(ledger, &kept).await.unwrap().fault.is_some());
    // And a checkpoint that somebody wrote himself proves nothing.
    let mut forged = kept;
    forged[0].sealed = 0;
    assert!(it.chain.verify(ledger, &forged).await.unwrap().fault.is_some());
}
