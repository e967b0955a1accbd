//! Switches, as whoever runs the product sees and sets them.

use saas_core::{Actor, Change, DbError, Flag, FlagOwner, Flags, Ledger, SystemTx, TenantId, system_event_in};
use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::FlagSwitched;

/// Sets any flag of an organization, or leaves it as the product has it, for a reason that the organization may read. False if there is no such
/// organization, or it is set so already.
///
/// # Errors
///
/// Fails if the database does.
pub async fn flag_set_system_in(
    tx: &mut SystemTx,
    (tenant, actor): (TenantId, Actor),
    flag: Flag,
    on: Option<bool>,
    reason: &str,
) -> Result<bool, DbError> {
    let id = Uuid::from(tenant);
    let changed = match flag.owner() {
        FlagOwner::Organization => query_scalar!(
            r#"update core.tenant
            set flags = case when $3::boolean is null then tenant.flags - $2::text else tenant.flags || jsonb_build_object($2::text, $3::boolean) end
            from (select (flags ->> $2)::boolean as value from core.tenant where id = $1 for no key update) old
            where id = $1 and state <> 'deleted' and old.value is distinct from $3::boolean
            returning old.value as "value?""#,
            id,
            flag.name(),
            on,
        )
        .fetch_optional(&mut **tx),
        FlagOwner::Platform => query_scalar!(
            r#"update core.tenant
            set platform_flags = case when $3::boolean is null then tenant.platform_flags - $2::text else tenant.platform_flags || jsonb_build_object($2::text, $3::boolean) end
            from (select (platform_flags ->> $2)::boolean as value from core.tenant where id = $1 for no key update) old
            where id = $1 and state <> 'deleted' and old.value is distinct from $3::boolean
            returning old.value as "value?""#,
            id,
            flag.name(),
            on,
        )
        .fetch_optional(&mut **tx),
    }
    .await?;
    let Some(old) = changed else { return Ok(false) };
    let switched = FlagSwitched { name: flag.name(), on: Change::new(old, on), reason: Some(reason) };
    system_event_in(tx, Ledger::Tenant(tenant), actor, tenant, &switched).await?;
    Ok(true)
}

/// An organization by its id, or by its short name if that is nobody's id, with how its flags are set; none if there is no such one.
///
/// # Errors
///
/// Fails if the database does.
pub async fn flags_of_in(tx: &mut SystemTx, named: &str) -> Result<Option<(TenantId, Flags)>, DbError> {
    let found = query!(
        "select id, jsonb_build_array(flags, platform_flags) as flags from core.tenant
        where (id::text = $1 or slug = $1) and state <> 'deleted'
        order by id::text = $1 desc
        limit 1",
        named,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.map(|found| (found.id.into(), Flags::stored(found.flags))))
}

/// The names that are set for some organization and that nobody reads, because the product has no such flag, or it is another's to set.
///
/// # Errors
///
/// Fails if the database does.
pub async fn flags_unknown_in(tx: &mut SystemTx, known: &[Flag]) -> Result<Vec<String>, DbError> {
    let of = |owner| known.iter().filter(|flag| flag.owner() == owner).map(|flag| flag.name().to_owned()).collect::<Vec<_>>();
    let names = query_scalar!(
        r#"select flag as "flag!" from core.tenant, jsonb_object_keys(flags) flag where flag <> all($1)
        union
        select flag from core.tenant, jsonb_object_keys(platform_flags) flag where flag <> all($2)
        order by 1"#,
        &of(FlagOwner::Organization),
        &of(FlagOwner::Platform),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(names)
}
