//! Each product does what it is for, and has nothing that it left out.

#[cfg(test)]
mod keys_only;
#[cfg(test)]
mod own_identity_provider;
#[cfg(test)]
mod product;
#[cfg(test)]
mod sessions_only;
