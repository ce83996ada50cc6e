//! One notification a file. Handlers do not wait for anything: a document's edits are applied one after another, in the order of arrival.

pub(crate) mod did_change;
pub(crate) mod did_change_configuration;
pub(crate) mod did_change_diagnostics;
pub(crate) mod did_change_workspace_folders;
pub(crate) mod did_close;
pub(crate) mod did_move_cursor;
pub(crate) mod did_open;
pub(crate) mod did_partially_accept_completion;
pub(crate) mod did_save;
pub(crate) mod did_show_completion;
