//! T12, T16, T40, T47, T50, T51: reading.

use super::{
    Battle, IsolationError, Report, Side,
    attacker::{As, Attacker, Outcome},
    catalogue::{Table, quoted},
};

/// What must come of a query.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    /// No row.
    Nothing,
    /// Nothing of the victim's.
    Filtered,
    /// The predicate must not have been asked about the victim's rows, which it would fail on.
    Unasked,
}

pub(super) async fn attack(battle: &Battle<'_>, attacker: &mut Attacker, report: &mut Report) -> Result<(), IsolationError> {
    let mut readers = vec![As::Tenant(battle.attacker()), As::Nobody];
    readers.extend(person(battle).map(As::Person));
    for who in &readers {
        for table in battle.catalogue.tenant_tables() {
            for (attack, query, expect) in queries(battle, table)? {
                let outcome = attacker.run(who, &query).await?;
                judge(battle, report, attack, &table.label, &query, expect, &outcome);
            }
            for copy in [format!("copy {} to stdout", table.name), format!("copy (select * from {}) to stdout", table.name)] {
                let outcome = attacker.copy_out(who, &copy).await?;
                judge(battle, report, "T47", &table.label, &copy, Expect::Filtered, &outcome);
            }
            for part in &table.parts {
                let query = format!("select t::text from {part} t");
                let outcome = attacker.run(who, &query).await?;
                judge(battle, report, "T16", part, &query, Expect::Filtered, &outcome);
            }
        }
        for view in &battle.catalogue.views {
            let query = format!("select t::text from {view} t");
            let outcome = attacker.run(who, &query).await?;
            judge(battle, report, "T12", view, &query, Expect::Filtered, &outcome);
        }
    }
    Ok(())
}

/// The person who belongs to the attacker.
fn person(battle: &Battle<'_>) -> Option<uuid::Uuid> {
    let table = battle.catalogue.tables.iter().find(|table| table.label == "core.member")?;
    battle.filled.row(table, Side::Attacker).ok()?.stored.get("user_id")?.as_deref()?.parse().ok()
}

fn judge(battle: &Battle<'_>, report: &mut Report, attack: &'static str, table: &str, query: &str, expect: Expect, outcome: &Outcome) {
    if let Some(mark) = outcome.rows.iter().find_map(|row| battle.marks.find(row)) {
        report.breach(attack, table, format!("{query}: showed {mark}"));
    } else if let Some(mark) = outcome.error.as_ref().and_then(|error| battle.marks.find_unknown(&error.message, query)) {
        report.breach(attack, table, format!("{query}: an error said {mark}"));
    } else if expect == Expect::Nothing && !outcome.rows.is_empty() {
        report.breach(attack, table, format!("{query}: {}", outcome.summary()));
    } else if expect == Expect::Unasked && outcome.code() == Some("22012") {
        report.breach(attack, table, format!("{query}: was asked about a row that is not one's own"));
    } else if outcome.code().is_some_and(|code| code.starts_with("42") && code != "42501" && code != "42883") {
        // A statement that is not even understood attacks nothing.
        report.breach("control", table, format!("{query}: {}", outcome.summary()));
    }
}

fn queries(battle: &Battle<'_>, table: &Table) -> Result<Vec<(&'static str, String, Expect)>, IsolationError> {
    use Expect::{Filtered, Nothing, Unasked};

    let (name, shown, tenant) = (&table.name, table.shown(), quoted(table.tenant()));
    let victim = battle.victim();
    let theirs = battle.filled.key(table, Side::Victim)?;
    let ours = battle.filled.key(table, Side::Attacker)?;
    let fails = format!("1 / (case when t.{tenant} = '{victim}' then 0 else 1 end) = 1");
    let inner = format!("select * from {name}").replace('\'', "''");
    let mut queries = vec![
        ("T40", format!("select {shown} from {name} t where {theirs}"), Nothing),
        ("T40", format!("select 1 from {name} t where t.{tenant} = '{victim}'"), Nothing),
        ("T40", format!("select {shown} from {name} t"), Filtered),
        ("T40", format!("select {shown} from only {name} t where true or t.{tenant} = '{victim}'"), Filtered),
        ("T40", format!("select {shown} from {name} t tablesample bernoulli (100)"), Filtered),
        (
            "T40",
            format!(
                "select {shown} from {name} t where t.ctid = any (array(select format('(0,%s)', n)::tid from generate_series(1, 50) n))"
            ),
            Filtered,
        ),
        ("T40", format!("select 1 from {name} t where {theirs} for update"), Nothing),
        ("T40", format!("select 1 from {name} t where {theirs} for key share"), Nothing),
        ("T40", format!("declare everything cursor for select {shown} from {name} t; fetch all from everything"), Filtered),
        ("T40", format!("select max({shown}), min({shown}) from {name} t"), Filtered),
        ("T40", format!("set local enable_seqscan = off; select {shown} from {name} t where {theirs}"), Nothing),
        (
            "T40",
            format!("set local enable_indexscan = off; set local enable_bitmapscan = off; select {shown} from {name} t where {theirs}"),
            Nothing,
        ),
        ("T40", format!("select 1 from {name} t where {fails}"), Unasked),
        ("T40", format!("select 1 from {name} t where ({ours}) or ({fails})"), Unasked),
        ("T50", format!("with found as materialized (select t.* from {name} t where {theirs}) select 1 from found"), Nothing),
        ("T50", format!("select 1 where exists (select from {name} t where {theirs})"), Nothing),
        (
            "T50",
            format!(
                "select found.shown from (select 1) f left join lateral (select {shown} as shown from {name} t where {theirs}) found on true where found.shown is not null"
            ),
            Nothing,
        ),
        ("T50", format!("select (select {shown} from {name} t where {theirs})"), Filtered),
        (
            "T50",
            format!("select {shown} from {name} t full join (values ('{victim}'::uuid)) forged (id) on t.{tenant} = forged.id"),
            Filtered,
        ),
        ("T50", format!("select 1 from (select count(*) as number from {name} t where {theirs}) counted where number > 0"), Nothing),
        ("T51", format!("select query_to_xml('{inner}', true, false, '')::text"), Filtered),
        ("T51", format!("select table_to_xml({}::regclass, true, false, '')::text", super::catalogue::literal(name)), Filtered),
        ("T51", format!("select * from json_populate_recordset(null::{name}, (select json_agg(t) from {name} t))"), Filtered),
        (
            "T51",
            format!(
                "select most_common_vals::text, histogram_bounds::text from pg_stats where format('%I.%I', schemaname, tablename) = {}",
                super::catalogue::literal(name)
            ),
            Filtered,
        ),
    ];
    for column in table.columns.iter().filter(|column| column.selectable && column.kind == "text" && !column.is_array) {
        let words = format!("select to_tsvector('simple', coalesce({}, '')) from {name}", quoted(&column.name));
        queries.push(("T51", format!("select word from ts_stat({})", super::catalogue::literal(&words)), Filtered));
    }
    // What a reference of somebody else's row leads to.
    for reference in battle.catalogue.tenant_tables().flat_map(|child| child.references.iter().map(move |reference| (child, reference))) {
        let (child, reference) = reference;
        if reference.parent == table.id {
            let on: Vec<String> = reference
                .columns
                .iter()
                .zip(&reference.parent_columns)
                .map(|(column, parent)| format!("c.{} = t.{}", quoted(column), quoted(parent)))
                .collect();
            let query = format!("select {shown} from {} c full join {name} t on {}", child.name, on.join(" and "));
            queries.push(("T50", query, Filtered));
        }
    }
    Ok(queries)
}
