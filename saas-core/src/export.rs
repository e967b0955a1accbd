//! What is kept of a person, or of a tenant, given to them (CMP-01): a zip archive with each table of the inventory as JSON, for programs, and as CSV, for
//! people. What a column holds decides whether it is given; a secret never is.

mod archive;
mod person;
mod tenant;

pub use archive::PackError;
pub use person::{PersonExport, person_export_in};
pub use tenant::{TenantArchiveError, TenantArchives};

use crate::inventory::{Class, Table};

impl Table {
    /// The columns that a person is given of their rows: no secrets, nothing that names others, and nothing that belongs to the tenant in whose table
    /// it stands.
    #[must_use]
    pub fn given_to_person(&self) -> Vec<&'static str> {
        let is_tenants = self.is_tenants();
        self.given(|class| match class {
            Class::Secret | Class::Other => false,
            Class::Content => !is_tenants,
            Class::Person | Class::Own | Class::Internal | Class::Personal => true,
        })
    }

    /// The columns that a tenant is given of its rows: all but secrets.
    #[must_use]
    pub fn given_to_tenant(&self) -> Vec<&'static str> {
        self.given(|class| class != Class::Secret)
    }

    /// The column that says which tenant's row it is, if rows are tenants'.
    #[must_use]
    pub fn tenant(&self) -> Option<&'static str> {
        match self.name {
            "core.tenant" => Some("id"),
            _ => self.columns.iter().map(|(column, _)| *column).find(|column| *column == "tenant_id"),
        }
    }

    fn given(&self, is_given: impl Fn(Class) -> bool) -> Vec<&'static str> {
        self.columns.iter().filter(|(_, class)| is_given(*class)).map(|(column, _)| *column).collect()
    }

    /// Reads these columns of the rows whose `owner` is the parameter, each as an object. Names of tables and columns are the program's own, and one may be
    /// called as the rows are here.
    fn selecting(&self, columns: &[&str], owner: &str) -> String {
        let columns = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
        format!("select to_jsonb(kept.*) from (select {columns} from {} where {owner} = $1) kept", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Erasure;

    #[test]
    fn secrets_are_given_to_nobody_and_what_is_the_tenants_not_to_a_person() {
        let columns = &[("user_id", Class::Person), ("name", Class::Personal), ("hash", Class::Secret), ("text", Class::Content)];
        let table =
            Table { name: "a.b", erasure: Erasure::Purge, retention: crate::inventory::Retention::Lasting, exported: true, columns };
        assert_eq!((table.given_to_person(), table.tenant()), (vec!["user_id", "name", "text"], None));
        let columns = &[("tenant_id", Class::Internal), ("user_id", Class::Person), ("text", Class::Content), ("key", Class::Secret)];
        let of_tenant = Table { columns, ..table };
        assert_eq!((of_tenant.given_to_person(), of_tenant.tenant()), (vec!["tenant_id", "user_id"], Some("tenant_id")));
        assert_eq!((of_tenant.given_to_tenant(), of_tenant.is_given_to_tenant()), (vec!["tenant_id", "user_id", "text"], true));
        let columns = &[("tenant_id", Class::Internal), ("user_id", Class::Own), ("text", Class::Content)];
        let of_person = Table { columns, ..table };
        assert_eq!((of_person.person(), of_person.given_to_person()), (Some("user_id"), vec!["tenant_id", "user_id", "text"]));
        assert!(
            !of_person.is_given_to_tenant() && !Table { exported: false, ..of_tenant }.is_given_to_tenant() && !table.is_given_to_tenant()
        );
    }
}
