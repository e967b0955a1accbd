//! Tests of the whole workspace.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod packages;
