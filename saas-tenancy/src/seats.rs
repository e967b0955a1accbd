use async_trait::async_trait;
use saas_core::{Problem, TenantTx};

/// How many people an organization may have.
///
/// * It must refuse with what the one who is asked to join can be told, such as saas-billing's 402.
/// * It must be exact for this transaction alone: whoever asks holds the organization's row, so nobody else takes a seat of it meanwhile.
/// * It must not count on having been told of everybody who left.
///
/// ```
/// use saas_core::{Problem, ProblemType, TenantTx};
/// use saas_tenancy::Seats;
///
/// /// Everybody has ten.
/// struct Ten;
///
/// #[async_trait::async_trait]
/// impl Seats for Ten {
///     async fn take_in(&self, _: &mut TenantTx, taken: u32) -> Result<(), Problem> {
///         if taken < 10 { Ok(()) } else { Err(Problem::new(&ProblemType::LIMIT_REACHED)) }
///     }
/// }
/// ```
#[async_trait]
pub trait Seats: Send + Sync + 'static {
    /// Takes one more seat than the `taken` ones, or refuses.
    async fn take_in(&self, tx: &mut TenantTx, taken: u32) -> Result<(), Problem>;
}

/// As many as one likes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unlimited;

#[async_trait]
impl Seats for Unlimited {
    async fn take_in(&self, _: &mut TenantTx, _: u32) -> Result<(), Problem> {
        Ok(())
    }
}
