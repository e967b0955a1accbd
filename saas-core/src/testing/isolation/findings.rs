//! T01–T20, T52–T54: what the doctor finds in the catalogue.

use super::{IsolationError, Report};
use crate::{Finding, testing::TestDb};

async fn all(test: &TestDb) -> Result<Vec<Finding>, IsolationError> {
    test.db.findings().await.map_err(|error| IsolationError::Database { action: "be examined", source: error.into_inner() })
}

/// CMP-06: what no inventory names, and what it names that is not there.
pub(super) async fn inventory(test: &TestDb, report: &mut Report) -> Result<(), IsolationError> {
    report.attacks += 1;
    for finding in all(test).await?.iter().filter(|finding| finding.rule == "inventory") {
        report.breach("CMP-06", &finding.object, finding.message);
    }
    Ok(())
}

pub(super) async fn check(test: &TestDb, report: &mut Report) -> Result<(), IsolationError> {
    for finding in all(test).await? {
        let attack = match finding.rule {
            "login-bypass" | "login-power" | "login-owner" | "login-shared" | "login-group" | "database-shared" => "T01-T04",
            "row-security" => "T05-T07",
            "policy" | "policy-true" => "T08-T09",
            "policy-wide" => "T10",
            "view" | "rewrite" => "T12-T14",
            "definer" => "T15",
            "privilege" => "T17",
            "leakproof" => "T18",
            "public-grant" => "T19",
            "foreign-key" => "T52",
            "sequence" => "T53",
            "key" | "global-table" => "T54",
            // Tables that a test makes are in no inventory, and the server's version is no property of the migrations.
            _ => continue,
        };
        report.attacks += 1;
        report.breach(attack, &finding.object, format!("{} [{}]", finding.message, finding.rule));
    }
    Ok(())
}
