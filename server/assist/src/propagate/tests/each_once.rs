//! How often the rest of the workspace is read.

use std::{cell::RefCell, collections::BTreeMap};

use super::*;

/// Files in memory, and how often each was loaded.
struct Counted {
    files: Vec<(PathBuf, Snapshot)>,
    loaded: RefCell<BTreeMap<PathBuf, usize>>,
}

impl Lookup for Counted {
    fn definitions(&self, name: &str) -> Vec<Defined> {
        let of = |(path, snapshot): &(PathBuf, Snapshot)| {
            let named = snapshot.outline().into_iter().filter(|item| item.name == name);
            named.map(|item| Defined { path: path.clone(), kind: item.kind, parent: None }).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(of).collect()
    }

    fn load(&self, path: &Path) -> Option<Snapshot> {
        *self.loaded.borrow_mut().entry(path.to_owned()).or_default() += 1;
        self.files.iter().find(|(own, _)| own == path).map(|(_, snapshot)| snapshot.clone())
    }

    fn earlier(&self, _: &Path) -> Option<Snapshot> {
        None
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.iter().map(|(path, _)| path.clone()).collect()
    }

    fn is_module(&self, name: &str) -> bool {
        self.files.iter().any(|(path, _)| path.file_stem().is_some_and(|stem| stem == name))
    }
}

#[test]
fn a_file_is_read_once_however_many_uses_ask_for_it() {
    let calls: String = (0..20).map(|at| format!("def f{at}(it: Derived): it.load_all()\n")).collect();
    let open = |(name, text): (&str, String)| {
        (PathBuf::from(format!("/w/{name}.py")), Document::open(Language::Python, 0, &text).snapshot())
    };
    let files: Vec<(PathBuf, Snapshot)> = [
        ("core", "class Base:\n    def load_all(self): pass\n".to_owned()),
        ("other", "class Base: pass\n".to_owned()),
        ("derived", "from core import Base\nclass Derived(Base): pass\n".to_owned()),
        ("use", format!("from derived import Derived\n{calls}")),
    ]
    .map(open)
    .into();
    let candidate = |at: usize| {
        let (path, snapshot) = files[at].clone();
        Candidate { path, document: None, snapshot, settled: None }
    };
    let (home, others) = (candidate(0), vec![candidate(3)]);
    let at = home.snapshot.rope().to_string().find("load_all").unwrap();
    let change = difference::rename(&home.snapshot, at, "load_each").unwrap();
    let lookup = Counted { files: files.clone(), loaded: RefCell::default() };
    let (rivals, packages) = Default::default();
    let scene = Scene { change, definition_too: true, home, others, rivals, packages, lookup: &lookup };
    let set = scene.carry(&CancellationToken::new()).unwrap();
    assert_eq!(set.counts().0, 21);
    assert!(lookup.loaded.borrow().values().all(|&times| times == 1), "{:?}", lookup.loaded);
}
