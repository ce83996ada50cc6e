//! The resident daemon as a person has it: the real binary, real processes, real sockets, in a home of their own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod adversity;
mod death;
#[path = "../e2e/editor.rs"]
mod editor;
mod hand_over;
mod home;
mod http;
#[path = "../e2e/model.rs"]
#[allow(dead_code)]
mod model;
mod refusal;
mod sharing;
mod wire;
