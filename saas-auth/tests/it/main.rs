//! Sign-up, sign-in, sessions and keys, over HTTP and on a real PostgreSQL as the application's own login.

#[cfg(test)]
mod agent_rotation;
#[cfg(test)]
mod agents;
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod app;
#[cfg(test)]
mod asvs;
#[cfg(test)]
mod avatar;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod csrf;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod email_change;
#[cfg(test)]
mod export;
#[cfg(test)]
mod hand_off;
#[cfg(test)]
mod idle;
#[cfg(test)]
mod layer;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod mailed_sign_in;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod password;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod reset;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod sign_up;
#[cfg(test)]
mod step_up;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod welcome;
