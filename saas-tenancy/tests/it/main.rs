//! Organizations and members, over HTTP and on a real PostgreSQL as the application's own login.

#[cfg(test)]
mod app;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod export;
#[cfg(test)]
mod flags;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod members;
#[cfg(test)]
mod onboarding;
#[cfg(test)]
mod organizations;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod resolution;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod two_tabs;
#[cfg(test)]
mod workspaces;
