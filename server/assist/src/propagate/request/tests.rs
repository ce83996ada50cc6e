//! Which files are read for a name.

#![allow(clippy::unwrap_used)]

use std::fs;

use pilotlight_engine::EngineError;

use super::*;
use crate::{Options, Workspace};

#[tokio::test]
async fn of_a_name_like_an_underscore_only_files_that_import_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for (name, text) in [
        ("one.py", "from i18n import _\n_(1)\n"),
        ("two.py", "from core import translated as _\n_(1)\n"),
        ("three.py", "for _, row in rows: row\n"),
    ] {
        fs::write(root.join(name), text).unwrap();
    }
    let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("none".into())));
    assistant.set_workspace(Workspace::new(Options::default(), [root.clone()]));
    let roots = [root.clone()];
    assistant.indexing_ready(&roots).await;
    let (open, loaded, modules) = Default::default();
    let lookup =
        Files { assistant: &assistant, roots: &roots, open: &open, language: Language::Python, loaded, modules };
    let paths = lookup.containing("_", || lookup.all(|index, file| imports(index, file, "_")));
    assert_eq!(paths, [root.join("one.py")]);
    assert_eq!(lookup.containing("_", || lookup.all(|_, _| true)).len(), 3);
}
