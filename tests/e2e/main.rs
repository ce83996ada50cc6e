//! The protocol, end to end in one process: real frames, the real server, a real engine over a model written by hand.
#![allow(clippy::unwrap_used)]

mod chat_actions;
mod client;
mod model;
#[allow(dead_code)]
#[path = "../scripts.rs"]
mod scripts;

mod acceptance;
mod action_excerpts;
mod actions;
mod bad_input;
mod cancellation;
mod carried_types;
mod completion;
mod documents;
mod editor;
mod indexing;
mod lifecycle;
mod log;
mod menu;
mod model_actions;
mod order;
mod privacy;
mod refactors;
mod remote;
mod settings;
mod status;
mod written_edits;
