//! T45, T52: whether an answer depends on what another tenant has.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    Battle, IsolationError, Report, Side,
    attacker::{As, Attacker, Outcome, Refusal},
    catalogue::Table,
    fill::{insert, unfilled},
};

pub(super) async fn attack(battle: &Battle<'_>, attacker: &mut Attacker, report: &mut Report) -> Result<(), IsolationError> {
    for table in battle.catalogue.tenant_tables() {
        references(battle, attacker, table, report).await?;
        conflicts(battle, attacker, table, report).await?;
    }
    Ok(())
}

/// What somebody can tell from an answer.
type Answer = (Option<Refusal>, u64);

fn told(outcome: &Outcome) -> Answer {
    (outcome.error.clone(), outcome.affected)
}

/// T52: a row of one's own that refers to what belongs to somebody else, and to what does not exist.
async fn references(battle: &Battle<'_>, attacker: &mut Attacker, table: &Table, report: &mut Report) -> Result<(), IsolationError> {
    let who = As::Tenant(battle.attacker());
    for reference in &table.references {
        // Tables without a tenant have nothing of a tenant to betray; the foreign-key rule names them.
        let Some(parent) = battle.catalogue.table(reference.parent).filter(|parent| parent.tenant_column.is_some()) else { continue };
        let row = battle.filled.row(parent, Side::Victim)?;
        let missing = battle.filled.fresh(parent, Side::Attacker)?;
        let own = battle.filled.fresh(table, Side::Attacker)?;
        let mut answers = Vec::new();
        for exists in [true, false] {
            let mut values = own.clone();
            let mut forged = 0;
            for (column, parent_column) in reference.columns.iter().zip(&reference.parent_columns) {
                if Some(column) == table.tenant_column.as_ref() {
                    continue;
                }
                forged += 1;
                let value = if exists { row.value(parent, parent_column) } else { unlike(&missing, parent, parent_column) };
                values.insert(column.clone(), value);
            }
            if forged == 0 {
                break;
            }
            let outcome = attacker.run(&who, &format!("set constraints all immediate; {}", insert(table, &values))).await?;
            if outcome.affected > 0 {
                let what = if exists { "a row of another tenant" } else { "a row that does not exist" };
                report.breach("T52", &table.label, format!("{} was satisfied with {what}", reference.constraint));
            }
            answers.push(told(&outcome));
        }
        if let [existing, missing] = answers.as_slice()
            && existing != missing
        {
            let what = format!("{}: {existing:?} for another tenant's row, {missing:?} for none", reference.constraint);
            report.breach("T52", &table.label, what);
        }
    }
    Ok(())
}

fn unlike(fresh: &BTreeMap<String, String>, parent: &Table, column: &str) -> String {
    match parent.column(column) {
        Some(column) if column.kind == "uuid" => format!("'{}'::uuid", Uuid::new_v4()),
        _ => fresh.get(column).cloned().unwrap_or_else(|| "null".to_owned()),
    }
}

/// T45: a row of one's own with the key of another tenant's row, and with a key that nobody has.
async fn conflicts(battle: &Battle<'_>, attacker: &mut Attacker, table: &Table, report: &mut Report) -> Result<(), IsolationError> {
    let who = As::Tenant(battle.attacker());
    let theirs = battle.filled.row(table, Side::Victim)?;
    for unique in table.uniques.iter().filter(|unique| !unique.global) {
        // A column that refers to something must keep to what the attacker may refer to.
        let free: Vec<&String> = unique
            .columns
            .iter()
            .filter(|column| Some(*column) != table.tenant_column.as_ref())
            .filter(|column| !table.references.iter().any(|reference| reference.columns.contains(column)))
            .collect();
        if free.is_empty() {
            continue;
        }
        for suffix in ["", " on conflict do nothing"] {
            let (own, answer) = unused(battle, attacker, table, suffix).await?;
            let mut values = own;
            values.extend(free.iter().map(|column| ((*column).clone(), theirs.value(table, column))));
            let taken = told(&attacker.run(&who, &format!("{}{suffix}", insert(table, &values))).await?);
            if taken != answer {
                let what = format!("{}{suffix}: {taken:?} for another tenant's key, {answer:?} for a free one", unique.name);
                report.breach("T45", &table.label, what);
            }
        }
    }
    Ok(())
}

/// A row of one's own whose key nobody has, and the answer to it. Where there can be only one row for each tenant, the answer is always that
/// there is one.
async fn unused(
    battle: &Battle<'_>,
    attacker: &mut Attacker,
    table: &Table,
    suffix: &str,
) -> Result<(BTreeMap<String, String>, Answer), IsolationError> {
    const TRIES: usize = 10;
    for tried in 1.. {
        let values = battle.filled.fresh(table, Side::Attacker)?;
        let outcome = attacker.run(&As::Tenant(battle.attacker()), &format!("{}{suffix}", insert(table, &values))).await?;
        let refused = outcome.code() == Some("23514");
        // A guess that the table does not accept, or that hit upon a key of one's own.
        let unlucky = refused || outcome.code() == Some("23505") || (outcome.error.is_none() && outcome.affected == 0);
        if !unlucky || (tried == TRIES && !refused) {
            return Ok((values, told(&outcome)));
        }
        if tried == TRIES {
            break;
        }
    }
    Err(unfilled(table, "a row like the first one, with another key, is refused by its constraints"))
}
