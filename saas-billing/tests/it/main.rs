//! Plans, what they entitle to, and limits, on a real PostgreSQL as the application's own login.

#[cfg(test)]
mod access;
#[cfg(test)]
mod books;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod departure;
#[cfg(test)]
#[cfg(feature = "dev-stripe")]
mod dev_stripe;
#[cfg(test)]
mod dunning;
#[cfg(test)]
mod entitlement;
#[cfg(test)]
mod gated;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod given;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod pricing;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod walls;
#[cfg(test)]
mod warnings;
