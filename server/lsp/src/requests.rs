//! One request a file. `initialized`, `shutdown` and `exit` are in `server`.

pub(crate) mod code_action;
pub(crate) mod completion;
pub(crate) mod execute_command;
pub(crate) mod explain;
pub(crate) mod initialize;
pub(crate) mod inline_completion;
pub(crate) mod next_edit;
