//! A user of their own for each test: folders for settings, state and sockets, the binary, and an end to every process that was started in it.

use std::{
    fs,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
};

pub(crate) use crate::editor::{Buffer, soon};
use crate::{
    editor::{PATIENCE, Talk},
    model,
};

pub(crate) struct Home {
    folder: tempfile::TempDir,
    pub(crate) binary: PathBuf,
}

impl Home {
    /// A home whose model is the one written by hand, with `settings` (TOML) behind the model's.
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("pl-").tempdir().unwrap();
        let home = Self { folder, binary: PathBuf::from(env!("CARGO_BIN_EXE_pilotlight")) };
        home.write_model("model");
        let config = home.path("config/pilotlight");
        fs::create_dir_all(&config).unwrap();
        let engine = format!("[engine]\nmodel = {:?}\nthreads = 1\n", home.path("model"));
        fs::write(config.join("config.toml"), engine + settings).unwrap();
        home
    }

    pub(crate) fn write_model(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
        model::write(&self.path(name), model::EMBER).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("run")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension() == Some("sock".as_ref())).collect()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("state/pilotlight/daemon.log")).unwrap_or_default()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env_clear().current_dir(self.folder.path()).kill_on_drop(true);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, folder) in [
            ("HOME", "home"),
            ("PILOTLIGHT_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
        ] {
            command.env(name, self.path(folder));
        }
        command
    }

    /// What a command prints, and whether it ended well.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (String, bool) {
        let output = soon(self.command(arguments).output()).await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8(text).unwrap(), output.status.success())
    }

    /// The daemons, as `pilotlight status --json` has them.
    pub(crate) async fn daemons(&self) -> Vec<Value> {
        let output = soon(self.command(&["status", "--json"]).output()).await.unwrap();
        let mut printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        serde_json::from_value(printed["daemons"].take()).unwrap()
    }

    /// The process of the one daemon.
    pub(crate) async fn daemon(&self) -> i32 {
        let daemons = self.daemons().await;
        assert_eq!(daemons.len(), 1, "{daemons:#?}");
        pid(&daemons[0])
    }

    /// Processes that were started in this home and live: their ids and command lines.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("PILOTLIGHT_RUNTIME_DIR={}", self.path("run").display());
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let folder = entry.unwrap().path();
            let pid = folder.file_name()?.to_str()?.parse::<i32>().ok()?;
            // A process may end at any moment, and then has neither.
            let environment = fs::read(folder.join("environ")).ok()?;
            let ours = environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
            let command = String::from_utf8_lossy(&fs::read(folder.join("cmdline")).ok()?).replace('\0', " ");
            ours.then_some((pid, command))
        });
        all.collect()
    }

    pub(crate) fn daemon_processes(&self) -> Vec<i32> {
        self.processes().into_iter().filter(|(_, line)| line.contains(" daemon --handed")).map(|(pid, _)| pid).collect()
    }

    /// An editor with `pilotlight lsp` that has heard nothing yet.
    pub(crate) fn start(&self, arguments: &[&str]) -> Editor {
        Self::start_by(self.command(&[&["lsp"], arguments].concat()))
    }

    /// An editor whose `pilotlight lsp` is `command`.
    pub(crate) fn start_by(mut command: Command) -> Editor {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut process = command.spawn().unwrap();
        let talk = Talk::new(process.stdout.take().unwrap(), process.stdin.take().unwrap());
        let mut errors = process.stderr.take().unwrap();
        let errors = tokio::spawn(async move {
            let mut text = String::new();
            let _ = tokio::io::AsyncReadExt::read_to_string(&mut errors, &mut text).await;
            text
        });
        Editor { talk, process, errors }
    }

    /// An editor that is ready to work; `given` are its `initializationOptions`.
    pub(crate) async fn editor(&self, arguments: &[&str], given: Value) -> Editor {
        let editor = self.start(arguments);
        editor.initialize(given, &self.path("work")).await;
        editor
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            kill(pid, Signal::KILL);
        }
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
    }
}

pub(crate) fn pid(daemon: &Value) -> i32 {
    i32::try_from(daemon["pid"].as_i64().unwrap()).unwrap()
}

pub(crate) fn kill(pid: i32, signal: Signal) {
    // It may have ended this very moment.
    let _ = rustix::process::kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// Not there, or dead and only not yet waited for.
pub(crate) fn is_gone(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
}

/// Waits until `true`.
pub(crate) async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is().await {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The editor's side of one `pilotlight lsp`.
pub(crate) struct Editor {
    talk: Talk,
    pub(crate) process: Child,
    errors: JoinHandle<String>,
}

impl Deref for Editor {
    type Target = Talk;

    fn deref(&self) -> &Talk {
        &self.talk
    }
}

impl DerefMut for Editor {
    fn deref_mut(&mut self) -> &mut Talk {
        &mut self.talk
    }
}

impl Editor {
    pub(crate) async fn initialize(&self, given: Value, root: &Path) {
        self.initialize_as(given, root, json!({ "textDocument": { "inlineCompletion": {} } })).await;
    }

    pub(crate) async fn initialize_as(&self, given: Value, root: &Path, capabilities: Value) {
        let params = json!({
            "processId": null,
            "rootUri": format!("file://{}", root.display()),
            "capabilities": capabilities,
            "initializationOptions": given,
        });
        self.request("initialize", params).await.unwrap();
        self.notify("initialized", json!({}));
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.process.id().unwrap()).unwrap()
    }

    /// Leaves in good order; nothing was said that the test did not look at. Gives what went to standard error.
    pub(crate) async fn close(mut self) -> String {
        assert_eq!(self.request("shutdown", Value::Null).await, Ok(Value::Null));
        let said = self.said();
        assert!(said.is_empty(), "{said:#?}");
        self.notify("exit", Value::Null);
        let status = soon(self.process.wait()).await.unwrap();
        let errors = self.errors.await.unwrap();
        assert!(status.success(), "{status}: {errors}");
        errors
    }
}
