//! How the victim's data is recognized, and whether it is as it was.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::{
    IsolationError, Side,
    candidate::CANARY,
    catalogue::{Catalogue, literal, quoted},
    fill::{Filled, unfilled},
    refused,
};
use crate::TenantId;

/// Texts that nobody but the victim may see: the canary in the forms that columns force it into, and the victim's ids.
pub(super) struct Marks(Vec<String>);

impl Marks {
    /// The canary alone.
    pub(super) fn canary() -> Self {
        let plain = CANARY.replace('-', "");
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self(vec![CANARY.to_owned(), plain.to_uppercase(), hex(CANARY), hex(&plain), plain])
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(super) fn of(catalogue: &Catalogue, filled: &Filled) -> Self {
        let Self(mut marks) = Self::canary();
        let ids = |side| {
            filled.rows(side).flat_map(|(table, row)| {
                let columns = catalogue.table(table).map(|table| table.columns.as_slice()).unwrap_or_default();
                let ids = columns.iter().filter(|column| column.kind == "uuid" && !column.is_array);
                ids.filter_map(|column| row.stored.get(&column.name).cloned().flatten())
            })
        };
        marks.extend(ids(Side::Victim));
        marks.push(Uuid::from(filled.tenant(Side::Victim)).to_string());
        // An id that both refer to is no secret.
        let own: Vec<String> = ids(Side::Attacker).collect();
        marks.retain(|mark| !own.contains(mark));
        marks.sort();
        marks.dedup();
        Self(marks)
    }

    /// The first mark in a text.
    pub(super) fn find(&self, text: &str) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|mark| text.contains(mark))
    }

    /// The first mark in a text that the attacker could not have known: an id may have been in the attack.
    pub(super) fn find_unknown(&self, text: &str, attack: &str) -> Option<&str> {
        self.texts().find(|mark| text.contains(mark) && !attack.contains(mark))
    }
}

/// Every row of a tenant with its place and the transaction that wrote it, so that a change to the same value is a change.
pub(super) async fn snapshot(
    superuser: &mut PgConnection,
    catalogue: &Catalogue,
    tenant: TenantId,
) -> Result<BTreeMap<String, Vec<String>>, IsolationError> {
    let mut all = BTreeMap::new();
    for table in catalogue.tenant_tables() {
        let query = format!(
            "select concat_ws(' ', t.ctid::text, t.xmin::text, t::text) from {} t where t.{} = '{}' order by 1",
            table.name,
            quoted(table.tenant()),
            Uuid::from(tenant)
        );
        let rows = sqlx::raw_sql(AssertSqlSafe(query)).fetch_all(&mut *superuser).await.map_err(refused("show a tenant's rows"))?;
        if all.is_empty() && rows.is_empty() {
            return Err(unfilled(table, "the row that was written is not there"));
        }
        let rows = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>().map_err(refused("show a tenant's rows"))?;
        all.insert(table.label.clone(), rows);
    }
    Ok(all)
}

/// Looks again and again at what a tenant has, in one statement, so that it can be done around each request.
pub(super) struct Watch(String);

impl Watch {
    /// Over all tables, but for these columns.
    pub(super) fn over(catalogue: &Catalogue, tenant: TenantId, but: &[&str]) -> Self {
        let but: Vec<String> = but.iter().map(|column| literal(column)).collect();
        let tables = catalogue.tenant_tables().map(|table| {
            format!(
                "select {} as place, (to_jsonb(t) - array[{}]::text[])::text as held from {} t where t.{} = '{}'",
                literal(&table.label),
                but.join(", "),
                table.name,
                quoted(table.tenant()),
                Uuid::from(tenant)
            )
        });
        let labels: Vec<String> = catalogue.tenant_tables().map(|table| literal(&table.label)).collect();
        Self(format!(
            "select place, coalesce(md5(string_agg(held, chr(10) order by held)), '') from unnest(array[{}]) place
            left join ({}) rows using (place) group by place order by place",
            labels.join(", "),
            tables.collect::<Vec<_>>().join(" union all ")
        ))
    }

    /// Each table, and one text that stands for all that the tenant has in it.
    pub(super) async fn look(&self, superuser: &mut PgConnection) -> Result<Vec<(String, String)>, IsolationError> {
        let rows = sqlx::query(AssertSqlSafe(self.0.clone())).fetch_all(superuser).await.map_err(refused("show a tenant's rows"))?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(refused("show a tenant's rows"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_an_id_that_was_asked_for_is_found() {
        let marks = Marks(vec!["01-the-tenant".to_owned(), "canary".to_owned()]);
        let (attack, answer) = ("GET /notes?tenant=01-the-tenant", r#"[{"tenant": "01-the-tenant", "text": "canary"}]"#);
        assert_eq!(marks.find_unknown(answer, attack), Some("canary"));
        assert_eq!(marks.find_unknown(r#"{"no such tenant": "01-the-tenant"}"#, attack), None);
        assert_eq!(marks.find_unknown(answer, ""), Some("01-the-tenant"));
    }
}
