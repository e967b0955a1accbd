//! Sign-up, sign-in, sessions and keys, over HTTP and on a real PostgreSQL as the application's own login.

mod agents;
mod app;
mod catalogue;
mod csrf;
mod layer;
mod mailbox;
mod sessions;
mod sign_in;
mod sign_up;
mod verify;
