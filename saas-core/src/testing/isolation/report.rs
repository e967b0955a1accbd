//! What the attacks came to.

use std::{collections::BTreeSet, fmt, time::Duration};

use super::routes::Matrix;

/// What the attacks came to. Printed, it says what was attacked, how long it took, and for all that got through what to do.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The tenant tables that were attacked, as `schema.table`.
    pub tables: Vec<String>,
    /// The routes that were attacked, as `METHOD /path`.
    pub routes: Vec<String>,
    /// How many attacks were made.
    pub attacks: usize,
    /// Those that got through.
    pub breaches: Vec<Breach>,
    /// What each route answered everybody, if there were any.
    pub matrix: Option<Matrix>,
    /// How long it took.
    pub took: Duration,
}

/// An attack that got through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Its id.
    pub attack: &'static str,
    /// On what: `schema.table`, `METHOD /path`, `file:line`.
    pub place: String,
    /// What was done and what happened.
    pub what: String,
}

/// What to do about an attack that got through.
const REMEDIES: &[(&str, &str)] = &[
    ("T01-T04", "give the application a login that owns nothing and is a member of saas_app alone"),
    ("T05-T07", "call core.isolate in the migration that makes the table"),
    ("T08-T09", "call core.isolate in the migration that makes the table, and write no policy besides"),
    ("T10", "drop the policy, or write it for saas_app alone"),
    ("T12", "create the view with (security_invoker = true)"),
    ("T12-T14", "create the view with (security_invoker = true), or take the application's rights on it away"),
    ("T15", "drop security definer, or revoke it; what must look across tenants is a lookup of its crate, with a fixed search_path"),
    ("T16", "revoke the application's rights on the partition: it reads the table"),
    ("T17", "revoke the right"),
    ("T18", "drop the function"),
    ("T19", "revoke it from public"),
    ("T31", "begin a tenant's transaction with Db::tenant, which sets it once"),
    ("T45", "begin the key with tenant_id"),
    ("T52", "let the foreign key carry tenant_id on both sides"),
    ("T53", "use UUIDs"),
    ("T54", "begin the key with tenant_id, or say in a comment on the index that begins with 'global: ' why it spans tenants"),
    (
        "T57",
        "answer what is not the caller's as what does not exist: Problem::not_found() for a row that the tenant's transaction does not find",
    ),
    (
        "T62",
        "answer what belongs to somebody with cache-control private, no-store, as finish does by itself; make the tenant a part of an ETag",
    ),
    ("T64", "take what the handler works on from its TenantDb alone, and ask for the permission in its signature: Can<P>"),
    ("T65", "take the tenant from Can<P>, Standing or TenantDb, never from what was sent"),
    ("T66", "put the tenancy layer around the route, and take the tenant from it alone"),
    ("T73", "make the tenant a part of the cache's key"),
    ("DX-06", "ask for a permission in the handler's signature, Can<P>, or say why belonging is enough: Suite::open"),
    ("CMP-06", "say in the INVENTORY of your Migrations what the column holds and how it is erased"),
    ("error-text", "answer a Problem, and keep the cause for the log with Problem::because"),
    ("server-error", "answer a Problem for what a caller can cause"),
    ("get-writes", "write in POST, PUT, PATCH or DELETE: safe methods never write"),
    ("purge", "say in the INVENTORY how the rows are erased, or delete them in a TenantStore"),
    ("control", "the attack could not be made as it should; say with the Suite what the kit cannot guess"),
];

impl Breach {
    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        let known = REMEDIES.iter().find(|(attack, _)| *attack == self.attack);
        // What is read or written in the database goes through the policies or it does not.
        known.map_or("look at the table's policies and grants: core.isolate writes what is needed", |(_, remedy)| remedy)
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.attack, self.place, self.what)
    }
}

impl Report {
    pub(super) fn of(tables: Vec<String>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// Which attacks got through and where, each once.
    #[must_use]
    pub fn found(&self) -> BTreeSet<(&'static str, &str)> {
        self.breaches.iter().map(|breach| (breach.attack, breach.place.as_str())).collect()
    }

    /// Passes if no attack got through.
    ///
    /// # Panics
    ///
    /// With all that did.
    pub fn assert_safe(&self) {
        assert!(self.breaches.is_empty(), "{self}");
    }

    pub(super) fn breach(&mut self, attack: &'static str, place: &str, what: impl Into<String>) {
        self.breaches.push(Breach { attack, place: place.to_owned(), what: what.into() });
    }

    /// With another's.
    pub(super) fn join(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.routes.extend(other.routes);
        self.attacks += other.attacks;
        self.breaches.extend(other.breaches);
        self.matrix = other.matrix.or(self.matrix.take());
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tables, routes, attacks, breaches, took, .. } = self;
        let (tables, routes) = (tables.len(), routes.len());
        write!(
            f,
            "{} of {attacks} attacks on {tables} tables and {routes} routes got through in {:.1} s",
            breaches.len(),
            took.as_secs_f64()
        )?;
        for breach in breaches {
            write!(f, "\n  {breach}\n    {}", breach.remedy())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Breach, REMEDIES};

    #[test]
    fn every_attack_has_a_remedy_and_none_has_two() {
        for (at, (attack, remedy)) in REMEDIES.iter().enumerate() {
            assert!(!REMEDIES[..at].iter().any(|(other, _)| other == attack), "{attack} twice");
            let breach = Breach { attack, place: String::new(), what: String::new() };
            assert_eq!(breach.remedy(), *remedy);
        }
        assert!(Breach { attack: "T40", place: String::new(), what: String::new() }.remedy().contains("core.isolate"));
    }
}
