//! Tokens for programs (AUT-04).

mod end;
mod forged;
mod issue;
mod keys;
mod refresh;
mod scene;
