//! Looks for what would let one tenant see another. Each rule is a query over the catalogue whose rows are the findings.

use std::fmt;

use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::{Db, DbError, READ, pool::OpenTransaction, seal};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Weakens a defence; isolation holds.
    Warning,
    /// Isolation may not hold: the program does not start.
    Danger,
}

/// Something that is wrong with the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule, for scripts.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it was found on.
    pub object: String,
    /// What is wrong and what to do.
    pub message: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.object, self.message, self.rule)
    }
}

pub(super) const OLD_SERVER: &str = "old-server";

/// The tables that the rules are about, as a common table expression before each of them.
const TENANT_TABLES: &str = include_str!("rules/tenant-tables.sql");

/// The releases that mended the known ways around row-level security (CVE-2024-10976 and its successors), as `server_version_num`.
const FLOORS: [i32; 4] = [150_020, 160_016, 170_012, 180_007];

/// Whether a server of this `server_version_num` lets somebody around row-level security.
pub(crate) fn is_old_server(version: i32) -> bool {
    match FLOORS.iter().find(|floor| version / 10_000 == *floor / 10_000) {
        Some(floor) => version < *floor,
        // Views cannot run as their caller before 15.
        None => version < FLOORS[0],
    }
}

/// Everything that is wrong, the worst first: the server, by its version as it is written and as a number, and what the rules found.
fn found(version: &str, number: i32, by_rules: Vec<Finding>) -> Vec<Finding> {
    let server = is_old_server(number).then(|| Finding {
        rule: OLD_SERVER,
        severity: Severity::Danger,
        object: format!("PostgreSQL {version}"),
        message: "this server has known holes in row-level security; update to 15.20, 16.16, 17.12, 18.7 or later",
    });
    let mut findings: Vec<_> = server.into_iter().chain(by_rules).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

struct Rule {
    name: &'static str,
    severity: Severity,
    message: &'static str,
    sql: &'static str,
}

macro_rules! rules {
    ($($severity:ident $name:literal, $message:literal;)*) => {
        const RULES: &[Rule] = &[$(Rule {
            name: $name,
            severity: Severity::$severity,
            message: $message,
            sql: include_str!(concat!("rules/", $name, ".sql")),
        }),*];
    };
}

rules! {
    Danger "login-bypass", "the application login can bypass row-level security, by itself or through a role that it is a member of; take that right away";
    Danger "login-power", "the application login can give itself more rights than it has, or read what no policy guards; take that right away";
    Danger "login-owner", "the application login owns this, or is a member of its owner, and could switch row-level security off; let the owner login own it";
    Danger "login-group", "the application login is no member of saas_app, for which the policies are written; grant it that role";
    Danger "login-shared", "the application login is a member of this role, whose policies see all tenants; give it saas_app alone";
    Danger "database-shared", "the logins of every product in this cluster may connect here through this group, and see what this product's see; migrate";
    Danger "row-security", "a table with tenant_id needs row-level security enabled and forced; call core.isolate in its migration";
    Danger "policy", "a table with tenant_id needs the permissive and the restrictive policy for saas_app that core.isolate writes";
    Danger "policy-true", "a restrictive policy that is always true, or lacks a check, restricts nothing";
    Danger "view", "a view that runs as its owner, a materialized view or a foreign table shows all tenants' rows; use security_invoker, or take the application's rights away";
    Danger "rewrite", "a rule on a table runs as the table's owner; write a trigger instead";
    Danger "definer", "the application may execute this function as its owner; register it as a lookup of its crate, with a fixed search_path, or revoke it";
    Danger "privilege", "the application login needs no such right; revoke it";
    Warning "public-grant", "everybody may use this; revoke it from public";
    Warning "policy-wide", "a permissive policy for others than saas_app, saas_system and saas_owner lets in a login that no restrictive policy narrows; drop it";
    Warning "global-table", "the application may use this table, and it has no tenant_id; say why in a comment on it that begins with 'global: '";
    Warning "sequence", "a sequence counts for all tenants together and tells each how much the others do; use UUIDs";
    Warning "key", "keys and unique indexes of a tenant's table begin with tenant_id, so that tenants can neither collide nor learn of each other";
    Warning "foreign-key", "a foreign key ignores row-level security; it must carry tenant_id on both sides";
    Warning "leakproof", "a leakproof function outside pg_catalog may be run before a policy is";
}

impl Db {
    /// Everything that is wrong with the database, the worst first. Empty is what you want.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn findings(&self) -> Result<Vec<Finding>, DbError> {
        let lookups: Vec<&str> = self.inner.sets.iter().flat_map(|set| set.lookups).copied().collect();
        let mut connection = OpenTransaction::begin(&self.inner.app, READ).await?;
        let mut findings = Vec::new();
        let (version, number): (String, i32) =
            sqlx::query_as("select current_setting('server_version'), current_setting('server_version_num')::integer")
                .fetch_one(&mut *connection)
                .await?;
        for rule in RULES {
            // The texts are our own files; what they need to know is bound.
            let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(format!("{TENANT_TABLES}{}", rule.sql)));
            let query = if rule.sql.contains("$1") { query.bind(&lookups) } else { query };
            let objects = query.fetch_all(&mut *connection).await?;
            findings.extend(objects.into_iter().map(|object| Finding {
                rule: rule.name,
                severity: rule.severity,
                object,
                message: rule.message,
            }));
        }
        findings.extend(self.unregistered(&mut connection).await?);
        findings.extend(seal::findings(&mut connection, self.inner.seal.as_ref()).await?);
        Ok(found(&version, number, findings))
    }

    /// Tables and columns that no inventory names, and names that no table bears (CMP-06).
    async fn unregistered(&self, connection: &mut sqlx::PgConnection) -> Result<Vec<Finding>, DbError> {
        let known: std::collections::BTreeSet<String> =
            self.inventory().iter().flat_map(|table| table.columns.iter().map(|(column, _)| format!("{}.{column}", table.name))).collect();
        let there: std::collections::BTreeSet<String> = sqlx::query_scalar::<_, String>(
            r"select format('%s.%s.%s', n.nspname, c.relname, a.attname)
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
              and c.relname !~ '^_migrations'",
        )
        .fetch_all(connection)
        .await?
        .into_iter()
        .collect();
        let finding =
            |object: &String, message| Finding { rule: "inventory", severity: Severity::Warning, object: object.clone(), message };
        let missing =
            there.difference(&known).map(|object| finding(object, "no inventory says what this column holds and how it is erased"));
        let stale = known.difference(&there).map(|object| finding(object, "an inventory names this column, and it does not exist"));
        Ok(missing.chain(stale).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, OLD_SERVER, Severity, found, is_old_server};

    /// T20: the minor releases of the list, and majors before and after it.
    #[test]
    fn a_server_is_old_below_the_floor_of_its_major_version() {
        for old in [90_624, 140_025, 150_019, 160_015, 170_011, 180_006] {
            assert!(is_old_server(old), "{old}");
        }
        for new in [150_020, 150_021, 160_016, 170_012, 180_007, 190_000] {
            assert!(!is_old_server(new), "{new}");
        }
    }

    /// T20: it is among the worst, so that a program does not start on it.
    #[test]
    fn an_old_server_is_found_before_all_that_is_less() {
        let less = || Finding { rule: "sequence", severity: Severity::Warning, object: "data.counter".to_owned(), message: "counts" };
        let rules =
            |number| found("15.19", number, vec![less()]).iter().map(|finding| (finding.rule, finding.severity)).collect::<Vec<_>>();
        assert_eq!(rules(150_019), [(OLD_SERVER, Severity::Danger), ("sequence", Severity::Warning)]);
        assert_eq!(rules(150_020), [("sequence", Severity::Warning)]);
        assert_eq!(found("15.19", 150_019, Vec::new())[0].object, "PostgreSQL 15.19");
    }
}
