//! Where things are kept on this computer: the folders of the XDG Base Directory Specification, those of Windows' environment there. A relative path in a variable is ignored, as it asks.

use std::{env, path::PathBuf};

/// For what can be made again; the index is there too.
pub(crate) use pilotlight_assist::syntax::index::cache::folder as cache;

/// `config.toml`'s folder: `$XDG_CONFIG_HOME/pilotlight`, or `~/.config/pilotlight`; in `%APPDATA%` on Windows.
pub(crate) fn config() -> Option<PathBuf> {
    of(&["XDG_CONFIG_HOME", "APPDATA"], ".config")
}

/// The log's folder: `$XDG_STATE_HOME/pilotlight`, or `~/.local/state/pilotlight`.
#[cfg(unix)]
pub(crate) fn state() -> Option<PathBuf> {
    of(&["XDG_STATE_HOME"], ".local/state")
}

/// For sockets and KV snapshots, where they have a folder of their own (tests, several installations side by side).
pub(crate) fn own_runtime() -> Option<PathBuf> {
    absolute("PILOTLIGHT_RUNTIME_DIR")
}

/// The folder that a variable names.
pub(crate) fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn of(variables: &[&str], in_home: &str) -> Option<PathBuf> {
    let base = variables.iter().find_map(|variable| absolute(variable));
    Some(base.or_else(|| Some(absolute("HOME")?.join(in_home)))?.join("pilotlight"))
}
