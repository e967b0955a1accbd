//! Who one is: nobody, nobody any more, something that is no id, somebody else's role, or one after the other.

use super::{
    Battle, IsolationError, Report, Side,
    attacker::{As, Attacker},
    catalogue::{Table, quoted},
    fill::insert,
};
use crate::TenantId;

/// How often one prepared statement changes tenants. The server settles for a generic plan after five executions.
const TURNS: usize = 20;

pub(super) async fn attack(battle: &Battle<'_>, attacker: &mut Attacker, report: &mut Report) -> Result<(), IsolationError> {
    for table in battle.catalogue.tenant_tables() {
        sees_own(battle, attacker, table, report).await?;
        nobody(battle, attacker, table, report).await?;
        malformed(battle, attacker, table, report).await?;
        if attacker.is_sealed() {
            switched(battle, attacker, table, report).await?;
        }
        if table.readable {
            prepared(battle, attacker, table, report).await?;
        }
    }
    roles(battle, attacker, report).await
}

/// A wall that hides everything would pass every other attack.
async fn sees_own(battle: &Battle<'_>, attacker: &mut Attacker, table: &Table, report: &mut Report) -> Result<(), IsolationError> {
    if !table.readable {
        return Ok(());
    }
    for side in [Side::Attacker, Side::Victim] {
        let query = format!("select {} from {} t where {}", table.shown(), table.name, battle.filled.key(table, side)?);
        let outcome = attacker.run(&As::Tenant(battle.filled.tenant(side)), &query).await?;
        if outcome.rows.len() != 1 {
            report.breach("control", &table.label, format!("a tenant does not see its own row: {}", outcome.summary()));
        }
    }
    Ok(())
}

/// T21, T22
async fn nobody(battle: &Battle<'_>, attacker: &mut Attacker, table: &Table, report: &mut Report) -> Result<(), IsolationError> {
    let column = table.changeable();
    let fresh = insert(table, &battle.filled.fresh(table, Side::Attacker)?);
    for (attack, who) in [("T21", As::Nobody), ("T22", As::After(battle.victim())), ("T22", As::After(battle.attacker()))] {
        for statement in [
            format!("select {} from {} t", table.shown(), table.name),
            format!("update {} t set {column} = {column}", table.name),
            format!("delete from {} t", table.name),
        ] {
            let outcome = attacker.run(&who, &statement).await?;
            let refused = matches!(outcome.code(), None | Some("42501"));
            if outcome.affected > 0 || !outcome.rows.is_empty() || !refused {
                report.breach(attack, &table.label, format!("{who:?}: {statement}: {}", outcome.summary()));
            }
        }
        let outcome = attacker.run(&who, &fresh).await?;
        if outcome.code() != Some("42501") {
            report.breach(attack, &table.label, format!("{who:?} could insert: {}", outcome.summary()));
        }
    }
    Ok(())
}

/// T23
async fn malformed(battle: &Battle<'_>, attacker: &mut Attacker, table: &Table, report: &mut Report) -> Result<(), IsolationError> {
    let victim = battle.victim();
    for text in ["nobody".to_owned(), "%".to_owned(), format!("{victim},{victim}"), format!("{victim}' or '1'='1"), format!(" {victim}")] {
        let who = As::Malformed(text);
        for statement in [
            format!("select {} from {} t", table.shown(), table.name),
            format!("delete from {} t", table.name),
            insert(table, &battle.filled.fresh(table, Side::Attacker)?),
        ] {
            let outcome = attacker.run(&who, &statement).await?;
            // What bears no seal is not even read.
            let refused = outcome.error.is_some() || attacker.is_sealed() && outcome.affected == 0;
            if !refused || !outcome.rows.is_empty() {
                report.breach("T23", &table.label, format!("{who:?}: {statement}: {}", outcome.summary()));
            }
        }
    }
    Ok(())
}

/// T31
async fn switched(battle: &Battle<'_>, attacker: &mut Attacker, table: &Table, report: &mut Report) -> Result<(), IsolationError> {
    let (who, victim, column) = (As::Tenant(battle.attacker()), battle.victim(), table.changeable());
    for statement in [
        format!("select {} from {} t", table.shown(), table.name),
        format!("update {} t set {column} = {column}", table.name),
        format!("delete from {} t", table.name),
        insert(table, &battle.filled.fresh(table, Side::Victim)?),
    ] {
        let outcome = attacker.run(&who, &format!("set local saas.tenant_id = '{victim}'; {statement}")).await?;
        let refused = matches!(outcome.code(), None | Some("42501"));
        if outcome.affected > 0 || !outcome.rows.is_empty() || !refused {
            report.breach("T31", &table.label, format!("{statement}: {}", outcome.summary()));
        }
    }
    Ok(())
}

/// T37
async fn prepared(battle: &Battle<'_>, attacker: &mut Attacker, table: &Table, report: &mut Report) -> Result<(), IsolationError> {
    for mode in ["auto", "force_generic_plan"] {
        let prepare = format!(
            "set plan_cache_mode = {mode}; prepare everything as select t.{}::text from {} t; prepare one (uuid) as select t.{}::text from {} t where t.{} = $1",
            quoted(table.tenant()),
            table.name,
            quoted(table.tenant()),
            table.name,
            quoted(table.tenant())
        );
        let prepared = attacker.batch(&prepare).await;
        if let Some(error) = prepared.error {
            // A login that may not read the tenant's column cannot ask this question.
            if error.code != "42501" {
                report.breach("T37", &table.label, format!("could not be prepared: {}", error.message));
            }
            continue;
        }
        let mut wrong = None;
        for turn in 0..TURNS {
            let (own, other) = if turn % 2 == 0 { (battle.attacker(), battle.victim()) } else { (battle.victim(), battle.attacker()) };
            if let Some(what) = turn_of(attacker, own, other).await {
                wrong.get_or_insert(format!("{mode}, turn {turn}: {what}"));
            }
        }
        if let Some(wrong) = wrong {
            report.breach("T37", &table.label, wrong);
        }
        attacker.batch("reset plan_cache_mode; deallocate all").await;
    }
    Ok(())
}

async fn turn_of(attacker: &mut Attacker, own: TenantId, other: TenantId) -> Option<String> {
    let enter = attacker.opening(own);
    let outcome = attacker.batch(&format!("{enter}; execute everything; execute one ('{own}'); commit")).await;
    let own_rows = outcome.rows.iter().filter(|row| row.contains(&own.to_string())).count();
    let others = outcome.rows.iter().filter(|row| row.contains(&other.to_string())).count();
    // At least one row of each statement.
    if outcome.error.is_some() || others > 0 || own_rows < 2 {
        return Some(format!("{own_rows} own and {others} other rows, {}", outcome.summary()));
    }
    let outcome = attacker.batch(&format!("{enter}; execute one ('{other}'); commit")).await;
    (outcome.error.is_some() || outcome.rows.len() != 1).then(|| format!("asked for the other: {}", outcome.summary()))
}

/// T30, T32
async fn roles(battle: &Battle<'_>, attacker: &mut Attacker, report: &mut Report) -> Result<(), IsolationError> {
    let who = As::Tenant(battle.attacker());
    for role in &battle.catalogue.roles {
        for statement in [format!("set role {role}"), format!("set local role {role}"), format!("set session authorization {role}")] {
            let outcome = attacker.run(&who, &statement).await?;
            // A role of another test may have gone since.
            if !matches!(outcome.code(), Some("42501" | "22023")) {
                report.breach("T32", role, format!("{statement}: {}", outcome.summary()));
            }
        }
    }
    for table in battle.catalogue.tenant_tables().filter(|table| table.readable) {
        let query = format!("select {} from {} t", table.shown(), table.name);
        for (attack, before) in [
            ("T32", "reset role"),
            ("T32", "set session authorization default"),
            ("T32", "set local role saas_app"),
            ("T32", "set local row_security = off"),
            ("T30", "savepoint inner; select set_config('saas.tenant_id', 'nobody', true); rollback to savepoint inner"),
        ] {
            let outcome = attacker.run(&who, &format!("{before}; {query}")).await?;
            if let Some(mark) = outcome.rows.iter().find_map(|row| battle.marks.find(row)) {
                report.breach(attack, &table.label, format!("after {before}, a row showed {mark}"));
            }
        }
    }
    Ok(())
}
