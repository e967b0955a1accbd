//! Tests of the whole workspace.

#[cfg(test)]
mod asvs;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod map;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod wall;
