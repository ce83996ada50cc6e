//! The one resident daemon of the user, and how it is reached.
//!
//! A daemon holds one model: there is one for each way in which the engine is set (`key`), so that `--model` gives an editor the model that it names, and editors
//! that agree share. Everything else that can be set comes with each connection and holds for that alone. [`folder`] is where the sockets are and who may use
//! them; [`hello`] the first words on a connection; [`host`] the daemon's side, with [`place`], its lock and socket; [`link`] the side of those who use it.
//!
//! **Hand-over.** Builds are ordered by version and age. A client takes a daemon that is as new as itself or newer. An older one gives its place up when a newer
//! client greets it: it serves the clients that it has until the last one leaves, and then ends; the newer client starts its own. Nothing that was asked is lost
//! and no warm cache is thrown away; the price is two models in memory until the older editors close. A daemon whose model could not be loaded gives its place up in
//! the same way to the next client, whatever its build: what was missing may be there by then.

pub(crate) mod folder;
pub(crate) mod hello;
pub(crate) mod host;
pub(crate) mod link;
mod place;
pub(crate) mod report;
