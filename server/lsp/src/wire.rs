//! LSP's base protocol: `Content-Length` frames in, frames out, and what a frame says.
//!
//! `tower-lsp`'s own transport is not used, only its service: it ends the connection at the first frame that is not JSON-RPC (its decoder's error ends the
//! stream), and while its few places for handlers are taken it does not even start the ones behind them, edits and cancellations included.

mod frames;
mod message;
mod outgoing;
mod surrogates;

pub(crate) use frames::Frames;
pub(crate) use message::{Incoming, refusal};
pub(crate) use outgoing::Outgoing;
