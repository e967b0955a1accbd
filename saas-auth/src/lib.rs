//! Sign-up, sign-in, sessions and keys.
