//! Rate limits: what clients meet, and what they cannot get around.

mod layer;
mod memory;
mod redis;
mod tricks;
