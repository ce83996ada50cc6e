//! rustc, pyright, tsc and go, asked what they complain of.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The checker of one package.
pub(crate) struct Checker {
    language: String,
    folder: PathBuf,
    node_modules: PathBuf,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) path: PathBuf,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// What a check gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints(Vec<Complaint>);

impl Complaints {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Complaint> {
        self.0.iter()
    }

    /// Those that `baseline` does not have: by file and words (with the old name in the place of the new), as lines move.
    pub(crate) fn since(&self, baseline: &Self) -> Self {
        let words = |one: &Complaint| one.message.replace("Zz", "");
        let mut known: HashMap<(&Path, String), usize> = HashMap::new();
        for one in &baseline.0 {
            *known.entry((&one.path, words(one))).or_default() += 1;
        }
        let new = self.0.iter().filter(|one| match known.get_mut(&(&*one.path, words(one))) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        Self(new.cloned().collect())
    }
}

impl Checker {
    pub(crate) fn new(language: &str, folder: &Path, node_modules: Option<&Path>) -> Self {
        let node_modules = node_modules.unwrap_or(Path::new("node_modules")).to_owned();
        Self { language: language.to_owned(), folder: folder.to_owned(), node_modules }
    }

    /// Errors only, each where it begins.
    pub(crate) fn check(&self) -> Result<Complaints, String> {
        let (program, arguments): (&str, Vec<String>) = match self.language.as_str() {
            "rust" => {
                ("cargo", ["check", "--offline", "-q", "--lib", "--message-format=json"].map(str::to_owned).to_vec())
            }
            "python" => ("node", vec![self.node("pyright/index.js"), "--outputjson".into(), ".".into()]),
            "typescript" => (
                "node",
                vec![self.node("typescript/lib/tsc.js"), "--noEmit".into(), "-p".into(), "tsconfig.eval.json".into()],
            ),
            "go" => ("go", ["build", "-gcflags=-e", "./..."].map(str::to_owned).to_vec()),
            other => return Err(format!("no checker for {other}")),
        };
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("CARGO_BUILD_BUILD_DIR", self.folder.join("target"))
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let found = match self.language.as_str() {
            "rust" => self.rust(&out),
            "python" => self.python(&out).ok_or_else(|| err.to_string())?,
            "typescript" => self.lines(&out),
            _ => self.lines(&err),
        };
        if found.is_empty() && !output.status.success() {
            return Err(format!("{program} failed: {}", err.chars().take(400).collect::<String>()));
        }
        Ok(Complaints(found))
    }

    fn node(&self, script: &str) -> String {
        self.node_modules.join(script).display().to_string()
    }

    fn rust(&self, out: &str) -> Vec<Complaint> {
        let messages = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let errors = messages.filter(|it| it["message"]["level"] == "error");
        let place = |it: Value| {
            let span = it["message"]["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?.clone();
            let path = self.folder.join(span["file_name"].as_str()?);
            Some(Complaint {
                path,
                line: span["line_start"].as_u64()? as usize,
                message: it["message"]["message"].as_str()?.to_owned(),
            })
        };
        errors.filter_map(place).collect()
    }

    fn python(&self, out: &str) -> Option<Vec<Complaint>> {
        let report: Value = serde_json::from_str(out).ok()?;
        let errors = report["generalDiagnostics"].as_array()?.iter().filter(|it| it["severity"] == "error");
        let place = |it: &Value| {
            let path = PathBuf::from(it["file"].as_str()?);
            let line = it["range"]["start"]["line"].as_u64()? as usize + 1;
            Some(Complaint { path, line, message: it["message"].as_str()?.to_owned() })
        };
        Some(errors.filter_map(place).collect())
    }

    /// `file(line,column): message` and `file:line:column: message`.
    fn lines(&self, out: &str) -> Vec<Complaint> {
        let place = |line: &str| {
            let line = line.strip_prefix("vet: ").unwrap_or(line);
            let (place, message) = line.split_once(": ")?;
            let (path, number) = match place.split_once('(') {
                Some((path, rest)) => (path, rest.split(',').next()?),
                None => {
                    let mut parts = place.split(':');
                    (parts.next()?, parts.next()?)
                }
            };
            Some(Complaint {
                path: self.folder.join(path.trim_start_matches("./")),
                line: number.parse().ok()?,
                message: message.to_owned(),
            })
        };
        out.lines().filter_map(place).collect()
    }
}
