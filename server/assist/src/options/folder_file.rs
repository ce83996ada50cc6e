//! `.pilotlight.toml`: what a workspace says about how it wants to be worked in. It comes with the code, from whoever wrote that, so it chooses behaviour only: no
//! program, server, model, path or key is named in it.

use std::{fs, io::ErrorKind, path::Path};

use serde_json::Value;

use super::{Options, overlay};

/// The file's name, in a workspace's folder.
pub const FOLDER_FILE: &str = ".pilotlight.toml";
/// A longer one is no settings file.
const LONGEST: u64 = 1 << 20;
/// What the user has off stays off: a workspace may say `false`, never `true`.
const ONLY_OFF: [&str; 3] = ["/completion/enabled", "/completion/in-git-ignored-files", "/actions/enabled"];
/// What the user has in a list stays in it.
const ONLY_MORE: [&str; 1] = ["/completion/disabled-languages"];
/// Sections of the user's settings that are not a workspace's business.
const USERS: [&str; 4] = ["engine", "lsp", "daemon", "http"];

impl Options {
    /// These options with those of the folder's own file over them (a missing one is no error), and what of it was not taken.
    pub fn for_folder(&self, root: &Path) -> (Self, Vec<String>) {
        let path = root.join(FOLDER_FILE);
        let source = path.display().to_string();
        match read(&path) {
            Ok(None) => (self.clone(), Vec::new()),
            Ok(Some(mut layer)) => {
                let mut refused = Vec::new();
                if let Value::Object(sections) = &mut layer {
                    for section in USERS.iter().filter(|section| sections.remove(**section).is_some()) {
                        refused.push(format!(
                            "{source}: [{section}] is refused: a workspace chooses behaviour, but names no program, server, model or key; the rest of it holds"
                        ));
                    }
                }
                let (options, warnings) = overlay(self, &layer, &source);
                refused.extend(warnings);
                (self.tightened(options, &source, &mut refused), refused)
            }
            Err(error) => (self.clone(), vec![format!("{source}: {error}; ignored")]),
        }
    }
}

impl Options {
    /// A workspace's `options` without what would loosen these.
    fn tightened(&self, options: Self, source: &str, refused: &mut Vec<String>) -> Self {
        let (Ok(own), Ok(mut laid)) = (serde_json::to_value(self), serde_json::to_value(&options)) else {
            return options;
        };
        for place in ONLY_OFF {
            if let (Some(Value::Bool(false)), Some(now @ Value::Bool(true))) =
                (own.pointer(place), laid.pointer_mut(place))
            {
                *now = Value::Bool(false);
                let name = place.trim_start_matches('/').replace('/', ".");
                refused.push(format!(
                    "{source}: {name} is off by the user's own settings, and a workspace cannot turn it on; ignored"
                ));
            }
        }
        for place in ONLY_MORE {
            if let (Some(Value::Array(own)), Some(Value::Array(now))) = (own.pointer(place), laid.pointer_mut(place)) {
                let missing: Vec<_> = own.iter().filter(|value| !now.contains(value)).cloned().collect();
                now.extend(missing);
            }
        }
        serde_json::from_value(laid).unwrap_or(options)
    }
}

fn read(path: &Path) -> Result<Option<Value>, String> {
    let length = match fs::metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        Ok(_) => return Err("expected a file".to_owned()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if length > LONGEST {
        return Err(format!("expected at most {LONGEST} bytes, found {length}"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    toml::from_str(&text).map(Some).map_err(|error| error.to_string().trim_end().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(text: Option<&str>) -> (Options, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            fs::write(folder.path().join(FOLDER_FILE), text).unwrap();
        }
        let (options, warnings) = Options::default().for_folder(folder.path());
        let prefix = format!("{}/", folder.path().display());
        (options, warnings.into_iter().map(|warning| warning.replacen(&prefix, "", 1)).collect())
    }

    #[test]
    fn it_chooses_behaviour_and_nothing_else() {
        let text = "[completion]\nmax-tokens = 7\n[engine.remote]\nurl = \"http://elsewhere\"\nkey-env = \"HOME\"\n[daemon]\nidle-minutes = 0\n";
        let (options, warnings) = check(Some(text));
        assert_eq!(options.completion.max_tokens, 7);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with(".pilotlight.toml: [engine] is refused: "), "{warnings:?}");
        assert!(warnings[1].starts_with(".pilotlight.toml: [daemon] is refused: "), "{warnings:?}");
    }

    #[test]
    fn it_names_no_model() {
        let (options, warnings) = check(Some("[engine]\nmodel = \"/tmp/x.gguf\"\n"));
        assert_eq!((options, warnings.len()), (Options::default(), 1), "{warnings:?}");
    }

    #[test]
    fn it_tightens_and_never_loosens() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FOLDER_FILE);
        let mut user = Options::default();
        user.completion.enabled = false;
        user.completion.disabled_languages = vec!["markdown".to_owned()];
        fs::write(&file, "[completion]\nenabled = true\ndisabledLanguages = [\"c\"]\n").unwrap();
        let (options, refused) = user.for_folder(folder.path());
        assert!(!options.completion.enabled);
        assert_eq!(options.completion.disabled_languages, ["c", "markdown"]);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].contains("completion.enabled is off by the user's own settings"), "{refused:?}");
        fs::write(&file, "[completion]\nenabled = false\n").unwrap();
        let (options, refused) = Options::default().for_folder(folder.path());
        assert!(!options.completion.enabled && refused.is_empty());
    }

    #[test]
    fn a_bad_one_is_told_and_a_missing_one_is_not() {
        assert_eq!(check(None), (Options::default(), vec![]));
        let (options, warnings) = check(Some("[completion\n"));
        assert_eq!((options, warnings.len()), (Options::default(), 1));
        assert!(warnings[0].starts_with(".pilotlight.toml: TOML parse error at line 1"), "{warnings:?}");
        assert!(!warnings[0].contains('\n') && warnings[0].ends_with("; ignored"), "{warnings:?}");
        let (_, warnings) = check(Some(&"#".repeat(2 << 20)));
        assert_eq!(warnings, [".pilotlight.toml: expected at most 1048576 bytes, found 2097152; ignored"]);
    }
}
