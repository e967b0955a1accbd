//! Push messages: who is told in which browser, what arrives there, and what becomes of it when the push service or we fail (NOT-05).

mod allowing;
mod conforms;
mod failing;
mod leaving;
mod reader;
mod scene;
mod sending;
