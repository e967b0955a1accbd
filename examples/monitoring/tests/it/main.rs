//! The monitoring product, as its users and its agents meet it.

#[cfg(test)]
mod agent_buffer;
#[cfg(test)]
mod agent_discovery;
#[cfg(test)]
mod agent_run;
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod app;
#[cfg(test)]
mod asleep;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod billing;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod bucket;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod data;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod erasures;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod ingest;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod live;
#[cfg(test)]
mod nightly;
#[cfg(test)]
mod onboarding;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod pricing;
#[cfg(test)]
mod process;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod usage;
