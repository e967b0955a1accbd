//! Small products that use a part of the framework and bring the rest. Each is put together in one file, and runs:
//! `cargo run -p composition --bin keys-only`.

pub mod keys_only;
pub mod note;
pub mod own_identity_provider;
pub mod sessions_only;
