//! Plans, what they entitle to, and limits, on a real PostgreSQL as the application's own login.

#[cfg(test)]
mod access;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod entitlement;
#[cfg(test)]
mod given;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod pricing;
#[cfg(test)]
mod walls;
