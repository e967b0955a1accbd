//! T17, T41–T49: writing.

use super::{
    Battle, IsolationError, Report, Side,
    attacker::{As, Attacker, Outcome},
    catalogue::{Table, quoted},
    fill::{columns_and_values, insert},
};

/// What must come of a statement.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    /// No row is changed or returned; a missing right is as good.
    Nothing,
    /// Refused for want of a right (42501), and nothing else is said.
    Refused,
    /// Only one's own rows are changed.
    Own,
    /// Refused for whatever reason.
    Failure,
}

pub(super) async fn attack(battle: &Battle<'_>, attacker: &mut Attacker, report: &mut Report) -> Result<(), IsolationError> {
    for who in [As::Tenant(battle.attacker()), As::Nobody] {
        for table in battle.catalogue.tenant_tables() {
            let mut statements = statements(battle, table)?;
            statements.extend(insertions(battle, table)?);
            statements.extend(definitions(table));
            if battle.catalogue.version >= 150_000 {
                statements.extend(merges(battle, table)?);
            }
            for (attack, statement, expect) in statements {
                // What would be refused to a tenant that finds its row, finds none as nobody.
                let expect = if matches!((&who, expect), (As::Nobody, Expect::Refused)) && is_own(battle, table, &statement)? {
                    Expect::Nothing
                } else {
                    expect
                };
                let outcome = attacker.run(&who, &statement).await?;
                judge(battle, report, (attack, &table.label, &statement), expect, &outcome);
            }
            let copy = format!("copy {} from stdin", table.name);
            let outcome = attacker.copy_in(&who, &copy).await?;
            judge(battle, report, ("T47", &table.label, &copy), Expect::Failure, &outcome);
        }
    }
    Ok(())
}

/// Everything that a tenant may do to its own rows, kept: what it sets off must not reach anybody else's.
pub(super) async fn own(battle: &Battle<'_>, attacker: &mut Attacker) -> Result<(), IsolationError> {
    let who = As::Tenant(battle.attacker());
    for table in battle.catalogue.tenant_tables() {
        let (name, column, ours) = (&table.name, table.changeable(), battle.filled.key(table, Side::Attacker)?);
        attacker.keep(&who, &insert(table, &battle.filled.fresh(table, Side::Attacker)?)).await?;
        attacker.keep(&who, &format!("update {name} t set {column} = t.{column} where {ours}")).await?;
        attacker.keep(&who, &format!("delete from {name} t where {ours}")).await?;
    }
    Ok(())
}

fn is_own(battle: &Battle<'_>, table: &Table, statement: &str) -> Result<bool, IsolationError> {
    Ok(statement.contains(&battle.filled.key(table, Side::Attacker)?))
}

fn judge(
    battle: &Battle<'_>,
    report: &mut Report,
    (attack, table, statement): (&'static str, &str, &str),
    expect: Expect,
    outcome: &Outcome,
) {
    let code = outcome.code();
    let as_expected = match expect {
        Expect::Nothing => outcome.affected == 0 && outcome.rows.is_empty() && matches!(code, None | Some("42501")),
        Expect::Refused => code == Some("42501") && outcome.rows.is_empty(),
        Expect::Own => !outcome.rows.iter().any(|row| battle.marks.find(row).is_some()),
        Expect::Failure => code.is_some(),
    };
    let told = outcome.error.as_ref().and_then(|error| battle.marks.find_unknown(&error.message, statement));
    if let Some(mark) = told {
        report.breach(attack, table, format!("{statement}: an error said {mark}"));
    } else if !as_expected {
        report.breach(attack, table, format!("{statement}: {}", outcome.summary()));
    } else if expect == Expect::Own && code.is_some_and(|code| code.starts_with("42") && code != "42501") {
        report.breach("control", table, format!("{statement}: {}", outcome.summary()));
    }
}

type Statements = Vec<(&'static str, String, Expect)>;

fn statements(battle: &Battle<'_>, table: &Table) -> Result<Statements, IsolationError> {
    use Expect::{Nothing, Own, Refused};

    let (name, shown, tenant, column) = (&table.name, table.shown(), quoted(table.tenant()), table.changeable());
    let victim = battle.victim();
    let theirs = battle.filled.key(table, Side::Victim)?;
    let ours = battle.filled.key(table, Side::Attacker)?;
    Ok(vec![
        ("T41", format!("update {name} t set {column} = t.{column} where {theirs}"), Nothing),
        ("T41", format!("update {name} t set {column} = t.{column} where t.{tenant} = '{victim}'"), Nothing),
        ("T41", format!("update {name} t set {column} = t.{column} returning {shown}"), Own),
        ("T41", format!("update {name} t set {column} = o.{column} from {name} o where o.{tenant} = '{victim}'"), Nothing),
        ("T49", format!("update {name} t set {column} = t.{column} where {theirs} returning {shown}"), Nothing),
        ("T42", format!("update {name} t set {tenant} = '{victim}' where {ours}"), Refused),
        ("T42", format!("update {name} t set {tenant} = '{victim}' where {ours} returning {shown}"), Refused),
        // To somebody who does not exist, which must not differ.
        ("T42", format!("update {name} t set {tenant} = gen_random_uuid() where {ours}"), Refused),
        ("T44", format!("delete from {name} t where {theirs}"), Nothing),
        ("T44", format!("delete from {name} t where t.{tenant} = '{victim}'"), Nothing),
        ("T44", format!("delete from {name} t using {name} o where o.{tenant} = '{victim}'"), Nothing),
        ("T44", format!("delete from {name} t returning {shown}"), Own),
        ("T49", format!("delete from {name} t where {theirs} returning {shown}"), Nothing),
        ("T48", format!("truncate {name}"), Refused),
        ("T48", format!("truncate {name} cascade"), Refused),
    ])
}

/// T43, T45, T49: for the victim, be the key taken or free.
fn insertions(battle: &Battle<'_>, table: &Table) -> Result<Statements, IsolationError> {
    use Expect::Refused;

    let mut statements = Vec::new();
    let shown = table.shown();
    for values in [battle.filled.row(table, Side::Victim)?.written.clone(), battle.filled.fresh(table, Side::Victim)?] {
        let insert = insert(table, &values);
        statements.push(("T43", insert.clone(), Refused));
        statements.push(("T49", format!("{insert} returning {shown}"), Refused));
        statements.push(("T45", format!("{insert} on conflict do nothing"), Refused));
        let column = table.changeable();
        for unique in table.uniques.iter().filter(|unique| unique.plain) {
            let columns: Vec<String> = unique.columns.iter().map(|column| quoted(column)).collect();
            let columns = columns.join(", ");
            statements.push((
                "T45",
                format!("{insert} on conflict ({columns}) do update set {column} = excluded.{column} where t.{column} is not null"),
                Refused,
            ));
        }
        let (columns, values) = columns_and_values(&values);
        if !values.contains("default") {
            statements.push(("T43", format!("insert into {} ({columns}) select {values}", table.name), Refused));
            statements.push((
                "T43",
                format!("with moved as (insert into {} ({columns}) select {values} returning 1) select 1", table.name),
                Refused,
            ));
        }
    }
    Ok(statements)
}

/// T46
fn merges(battle: &Battle<'_>, table: &Table) -> Result<Statements, IsolationError> {
    use Expect::{Nothing, Refused};

    let (name, tenant, column) = (&table.name, quoted(table.tenant()), table.changeable());
    let victim = battle.victim();
    let theirs = battle.filled.key(table, Side::Victim)?;
    let ours = battle.filled.key(table, Side::Attacker)?;
    let (columns, values) = columns_and_values(&battle.filled.row(table, Side::Victim)?.written);
    let merge = format!("merge into {name} t using (select 1) source (one) on");
    Ok(vec![
        ("T46", format!("{merge} {theirs} when matched then update set {column} = t.{column}"), Nothing),
        ("T46", format!("{merge} {theirs} when matched then delete"), Nothing),
        ("T46", format!("{merge} {theirs} when matched then do nothing"), Nothing),
        ("T46", format!("{merge} {theirs} when not matched then insert ({columns}) values ({values})"), Refused),
        ("T46", format!("{merge} {ours} when matched then update set {tenant} = '{victim}'"), Refused),
        ("T46", format!("merge into {name} t using {name} o on o.{tenant} = '{victim}' when matched then delete"), Nothing),
    ])
}

/// T17, T18: what only an owner may.
fn definitions(table: &Table) -> Statements {
    let name = &table.name;
    [
        format!("alter table {name} disable row level security"),
        format!("alter table {name} no force row level security"),
        format!("create policy wide on {name} using (true)"),
        format!("drop policy if exists tenant on {name}"),
        format!("alter policy tenant on {name} using (true)"),
        format!("drop table {name}"),
        format!("create index on {name} (({}))", quoted(table.tenant())),
        format!("create trigger leak after insert on {name} for each row execute function suppress_redundant_updates_trigger()"),
        format!("comment on table {name} is 'global: mine'"),
    ]
    .into_iter()
    .map(|statement| ("T17", statement, Expect::Refused))
    .collect()
}
