//! Sessions: one per browser or program that a person has signed in with.

mod cookie;
mod hand_off;
mod idle;
mod known_device;
mod method;
mod operator;
mod replace;
mod store;

pub(crate) use cookie::{Carried, TokenCookie};
pub(crate) use hand_off::{HandOff, SessionHandedOff, hand_off_begin, hand_off_take};
pub use idle::{SessionIdle, SessionIdleError};
pub(crate) use known_device::{DeviceCookies, KnownDevices};
pub use method::Method;
pub use operator::{EndedSessions, SessionEnder};
pub(crate) use replace::{Replace, session_replace_in};
pub use store::Session;
pub(crate) use store::{
    Begin, FoundSession, NewSession, session_by_token, session_end, session_end_all_in, session_end_others, session_holds,
    session_insert_in, session_list, session_seen, session_sign_out,
};
