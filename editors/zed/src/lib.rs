//! Pilotlight for Zed: finds the `pilotlight` binary, starts `pilotlight lsp`, and hands Zed's settings on as they are. The rest is the server's.
//!
//! What Zed gives an extension is in `zed:extension` of zed_extension_api 0.7: `lsp.pilotlight` of the settings, the worktree's shell environment, and its PATH.

use serde_json::Value;
use zed_extension_api::{
    self as zed, Command, LanguageServerId, Worktree,
    settings::{CommandSettings, LspSettings},
};

/// The name in Zed's settings, whatever the manifest calls the server.
const SERVER: &str = "pilotlight";

struct Pilotlight;

impl zed::Extension for Pilotlight {
    fn new() -> Self {
        Self
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> zed::Result<Command> {
        let CommandSettings { path, arguments, env } = Settings::of(worktree)?.binary;
        let env = env.unwrap_or_default();
        let shell = worktree.shell_env();
        let command = match path {
            Some(path) => named(&path, "lsp.pilotlight.binary.path", &shell)?,
            None => found(worktree, &shell)?,
        };
        let args = match arguments {
            None => vec!["lsp".to_owned()],
            Some(arguments) => language_server(arguments)?,
        };
        // What the person set counts, whatever the shell has.
        let mut env_of_server: Vec<_> = shell.into_iter().filter(|(name, _)| !env.contains_key(name)).collect();
        env_of_server.extend(env);
        Ok(Command { command, args, env: env_of_server })
    }

    fn language_server_initialization_options(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> zed::Result<Option<Value>> {
        let settings = Settings::of(worktree)?;
        Ok(settings.initialization_options.or(settings.settings))
    }

    /// Zed sends this behind `initialized` even where nothing is set, and it replaces the initialization options: so it is never less than they are.
    fn language_server_workspace_configuration(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> zed::Result<Option<Value>> {
        let settings = Settings::of(worktree)?;
        Ok(settings.settings.or(settings.initialization_options))
    }
}

/// `lsp.pilotlight` of Zed's settings.
struct Settings {
    /// How the server is started, as far as a person says.
    binary: CommandSettings,
    initialization_options: Option<Value>,
    settings: Option<Value>,
}

impl Settings {
    /// # Errors
    ///
    /// What was expected and what was found, for Zed to show.
    fn of(worktree: &Worktree) -> zed::Result<Self> {
        let given = LspSettings::for_worktree(SERVER, worktree)
            .map_err(|error| format!("the settings under lsp.pilotlight cannot be read: {error}"))?;
        Ok(Self {
            binary: given.binary.unwrap_or(CommandSettings { path: None, arguments: None, env: None }),
            initialization_options: object(given.initialization_options, "initialization_options")?,
            settings: object(given.settings, "settings")?,
        })
    }
}

/// The server reads sections by their names: anything else than an object is a slip of the pen. `null` is as good as nothing.
fn object(value: Option<Value>, name: &str) -> zed::Result<Option<Value>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(Value::Object(object))),
        Some(other) => Err(format!(
            "lsp.pilotlight.{name}: expected an object such as {{ \"completion\": {{ \"max-tokens\": 48 }} }}, found {other}"
        )),
    }
}

/// Arguments that a person gave: they must still start the language server.
fn language_server(arguments: Vec<String>) -> zed::Result<Vec<String>> {
    if arguments.iter().any(|argument| argument == "lsp") {
        return Ok(arguments);
    }
    Err(format!(
        "lsp.pilotlight.binary.arguments: expected `lsp` among them, such as [\"--model\", \"/path/to/model.gguf\", \"lsp\"], found {arguments:?}"
    ))
}

/// A binary that a person named: it is not passed over for another, and it is not looked for in whatever folder is open.
fn named(path: &str, source: &str, shell: &[(String, String)]) -> zed::Result<String> {
    let home = || shell.iter().find(|(name, _)| name == "HOME").map(|(_, home)| home.as_str());
    let whole = match path.trim().strip_prefix("~/").zip(home()) {
        Some((rest, home)) => format!("{home}/{rest}"),
        None => path.trim().to_owned(),
    };
    if is_absolute(&whole) {
        Ok(whole)
    } else {
        Err(format!("{source}: expected an absolute path to the pilotlight binary, found {path:?}"))
    }
}

/// The component runs on WASI, whatever Zed runs on: drive letters are looked for as well.
fn is_absolute(path: &str) -> bool {
    path.starts_with('/')
        || path.starts_with("\\\\")
        || matches!(path.as_bytes(), [b'a'..=b'z' | b'A'..=b'Z', b':', b'\\' | b'/', ..])
}

/// `$PILOTLIGHT`, else `pilotlight` on the PATH.
fn found(worktree: &Worktree, shell: &[(String, String)]) -> zed::Result<String> {
    if let Some((_, path)) = shell.iter().find(|(name, path)| name == "PILOTLIGHT" && !path.trim().is_empty()) {
        return named(path, "$PILOTLIGHT", shell);
    }
    worktree.which("pilotlight").ok_or_else(|| {
        "the pilotlight binary was not found: lsp.pilotlight.binary.path and $PILOTLIGHT are not set, and there is none on the PATH. \
         Install it (`cargo install --path server/daemon` in Pilotlight's folder), or name it in Zed's settings"
            .to_owned()
    })
}

zed::register_extension!(Pilotlight);
