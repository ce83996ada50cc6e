//! What a person is offered, takes and dismisses.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, sync::Arc};

use pilotlight_engine::EngineError;
use pilotlight_syntax::{Change, Language, PositionEncoding};

use super::*;
use crate::{Options, Workspace};

struct Person {
    assistant: Assistant,
    folder: tempfile::TempDir,
}

impl Person {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("none".into())));
        assistant.set_workspace(Workspace::new(Options::default(), [root.clone()]));
        for (name, text) in files {
            fs::write(root.join(name), text).unwrap();
            let path = root.join(name);
            assistant.open(Arc::from(*name), Some(path), Language::from_path(Path::new(name)), 1, text);
        }
        Self { assistant, folder }
    }

    fn text(&self, name: &str) -> String {
        self.assistant.snapshot(&Arc::from(name)).unwrap().rope().to_string()
    }

    fn set(&self, name: &str, text: String) {
        let change = Change { span: None, text };
        self.assistant.change(&Arc::from(name), 2, &[change], PositionEncoding::Utf8).unwrap();
    }

    async fn next(&self, name: &str, cursor: usize) -> Option<NextEdit> {
        assert!(self.folder.path().exists());
        self.assistant.next_edit(&Arc::from(name), cursor, CancellationToken::new()).await.unwrap()
    }

    /// Saves, and gives what follows the time that it needs.
    async fn save(&self, name: &str) {
        self.assistant.saved(&Arc::from(name));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    /// Takes an offer as an editor does.
    fn take(&self, next: &NextEdit) {
        let name = next.file.document.clone().unwrap();
        let mut text = next.file.before.rope().to_string();
        text.replace_range(next.edit.range.clone(), &next.edit.text);
        self.set(&name, text);
        self.assistant.next_edit_taken(next.id);
    }
}

const A: &str = "fn turn(a: u8, b: u16) {}\nfn one() { turn(1, 2); }\nfn two() { turn(3, 4); }\n";
const B: &str = "use crate::a::turn;\nfn three() { turn(5, 6); }\n";

#[tokio::test]
async fn one_place_after_the_other_across_files() {
    let person = Person::new(&[("a.rs", A), ("b.rs", B)]);
    assert!(person.next("a.rs", 0).await.is_none());
    person.set("a.rs", A.replace("a: u8, b: u16", "b: u16, a: u8"));
    let mut lines = Vec::new();
    while let Some(next) = person.next("a.rs", 0).await {
        assert!(lines.len() < 4, "it comes to no end: {lines:?}");
        person.take(&next);
        lines.push(next.edit.text);
    }
    assert_eq!(lines, ["2, 1", "4, 3", "6, 5"]);
    assert!(person.text("b.rs").contains("turn(6, 5)"));
}

#[tokio::test]
async fn calls_follow_their_import_across_files() {
    for (a, b) in [
        (("a.rs", A), ("b.rs", B)),
        (("a.py", "def turn(a): pass\n"), ("b.py", "from a import turn\nturn(1)\n")),
        (("a.ts", "export function turn() {}\n"), ("b.ts", "import { turn } from \"./a\";\nturn();\n")),
    ] {
        let person = Person::new(&[a, b]);
        person.set(a.0, a.1.replacen("turn", "spin", 1));
        for _ in 0..8 {
            if let Some(next) = person.next(a.0, 0).await {
                person.take(&next);
            }
        }
        let texts = (person.text(a.0), person.text(b.0));
        assert_eq!(texts, (a.1.replace("turn", "spin"), b.1.replace("turn", "spin")));
    }
}

#[tokio::test]
async fn what_is_dismissed_or_undone_is_not_offered_again() {
    let person = Person::new(&[("a.rs", A)]);
    person.set("a.rs", A.replace("fn turn", "fn spin"));
    let first = person.next("a.rs", 0).await.unwrap();
    person.assistant.next_edit_dismissed(first.id);
    let second = person.next("a.rs", 0).await.unwrap();
    assert_ne!(first.edit.range, second.edit.range);
    let before = person.text("a.rs");
    person.take(&second);
    assert!(person.next("a.rs", 0).await.is_none());
    person.set("a.rs", before);
    assert!(person.next("a.rs", 0).await.is_none(), "it was undone");
    // Undoing the change itself leaves nothing to carry.
    person.set("a.rs", A.to_owned());
    assert!(person.next("a.rs", 0).await.is_none());
}

#[tokio::test]
async fn a_change_whose_places_are_dismissed_is_left_alone() {
    let text = A.to_owned()
        + "fn four() { turn(7, 8); }\nfn six() { turn(9, 0); }\nfn half(c: u8) {}\nfn five() { half(1); }\n";
    let person = Person::new(&[("a.rs", &text)]);
    person.set("a.rs", text.replace("fn turn", "fn spin").replace("fn half", "fn part"));
    let mut lines = Vec::new();
    while let Some(next) = person.next("a.rs", 0).await {
        lines.push(next.file.before.rope().byte_to_line(next.edit.range.start));
        person.assistant.next_edit_dismissed(next.id);
    }
    assert_eq!(lines, [1, 2, 3, 6], "three of the four places of one, and the one of the other");
}

#[tokio::test]
async fn not_while_it_is_being_typed() {
    let person = Person::new(&[("a.rs", A)]);
    person.set("a.rs", A.replace("fn turn", "fn sp"));
    let in_name = A.find("turn").unwrap() + 1;
    assert!(person.next("a.rs", in_name).await.is_none());
    let asked = person.assistant.clone();
    let document: DocumentId = Arc::from("a.rs");
    let asking = tokio::spawn(async move { asked.next_edit(&document, 0, CancellationToken::new()).await });
    tokio::task::yield_now().await;
    person.set("a.rs", A.replace("fn turn", "fn spi"));
    assert!(asking.await.unwrap().unwrap().is_none(), "the text has moved on");
}

/// What was renamed with it is no other member of that name.
#[tokio::test]
async fn both_definitions_of_a_property() {
    let text = "class A:\n    @property\n    def load_all(self): return 1\n    @load_all.setter\n    def load_all(self, it): pass\ndef f(a: A): a.load_all = 2\n";
    let person = Person::new(&[("a.py", text)]);
    person.set("a.py", text.replacen("def load_all", "def read_all", 1));
    for _ in 0..5 {
        if let Some(next) = person.next("a.py", 0).await {
            person.take(&next);
        }
    }
    assert_eq!(person.text("a.py"), text.replace("load_all", "read_all"));
}

/// Until nothing waits, or some seconds.
async fn settled(person: &Person, name: &str) -> bool {
    for _ in 0..200 {
        if person.assistant.changes_of(&Arc::from(name)).unwrap().is_empty() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn what_was_taken_is_settled_and_not_turned_back() {
    let person = Person::new(&[("a.rs", A), ("b.rs", B)]);
    person.set("a.rs", A.replace("a: u8, b: u16", "b: u16, a: u8"));
    let first = person.next("a.rs", 0).await.unwrap();
    person.take(&first);
    // What else asks finds the two places that are left, and is not sure of the one that was changed.
    let change = person.assistant.changes_of(&Arc::from("a.rs")).unwrap().remove(0);
    let revision = person.assistant.snapshot(&Arc::from("a.rs")).unwrap().revision();
    let offer =
        person.assistant.propagate(&Arc::from("a.rs"), revision, change, CancellationToken::new()).await.unwrap();
    let (certain, unsure, _) = offer.set.counts();
    assert_eq!((certain, unsure), (2, 1));
    let mut taken = 0;
    while let Some(next) = person.next("a.rs", 0).await {
        person.take(&next);
        taken += 1;
    }
    assert_eq!(taken, 2);
    assert!(person.assistant.changes_of(&Arc::from("a.rs")).unwrap().is_empty());
    // The next change of the same function is as sure as the first.
    let text = person.text("a.rs");
    person.set("a.rs", text.replace("b: u16, a: u8", "a: u8, b: u16"));
    assert!(person.next("a.rs", 0).await.is_some());
}

#[tokio::test]
async fn a_call_that_was_typed_since_is_not_turned_round() {
    let person = Person::new(&[("a.rs", A)]);
    person.set("a.rs", A.replace("a: u8, b: u16", "b: u16, a: u8") + "fn new() { turn(8, 7); }\n");
    let mut lines = Vec::new();
    while let Some(next) = person.next("a.rs", 0).await {
        person.take(&next);
        lines.push(next.edit.text);
    }
    assert_eq!(lines, ["2, 1", "4, 3"]);
}

#[tokio::test]
async fn what_another_tool_carried_is_settled_when_it_is_saved() {
    let person = Person::new(&[("a.rs", A)]);
    let text = A.replace("a: u8, b: u16", "b: u16, a: u8").replace("1, 2", "2, 1").replace("3, 4", "4, 3");
    person.set("a.rs", text);
    assert!(person.next("a.rs", 0).await.is_none());
    person.assistant.saved(&Arc::from("a.rs"));
    assert!(settled(&person, "a.rs").await);
    // A name that was changed twice is carried from the name that it had between.
    person.set("a.rs", person.text("a.rs").replace("turn", "spin"));
    person.assistant.saved(&Arc::from("a.rs"));
    assert!(settled(&person, "a.rs").await);
    person.set("a.rs", person.text("a.rs").replace("fn spin", "fn roll"));
    let change = person.assistant.changes_of(&Arc::from("a.rs")).unwrap().remove(0);
    assert_eq!((&*change.old_name, &*change.new_name), ("spin", "roll"));
    assert!(person.next("a.rs", 0).await.is_some());
    // While something waits, saving settles nothing.
    person.assistant.saved(&Arc::from("a.rs"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!person.assistant.changes_of(&Arc::from("a.rs")).unwrap().is_empty());
}

#[tokio::test]
async fn calls_mended_by_hand_are_not_turned_back_when_they_are_saved() {
    let person = Person::new(&[("a.rs", A), ("b.rs", B)]);
    person.set("a.rs", A.replace("a: u8, b: u16", "b: u16, a: u8"));
    person.set("b.rs", B.replace("5, 6", "6, 5"));
    let unsure = async || {
        let a: DocumentId = Arc::from("a.rs");
        let change = person.assistant.changes_of(&a).unwrap().remove(0);
        let revision = person.assistant.snapshot(&a).unwrap().revision();
        let offer = person.assistant.propagate(&a, revision, change, CancellationToken::new()).await.unwrap();
        offer.set.counts().1
    };
    assert_eq!(unsure().await, 1);
    person.save("b.rs").await;
    assert_eq!(unsure().await, 1, "it was saved");
    person.set("b.rs", person.text("b.rs").replace("fn three", "fn four"));
    person.assistant.carried(&Arc::from("b.rs"), Vec::new()).await;
    assert!(person.assistant.changes_of(&Arc::from("b.rs")).unwrap().is_empty());
    assert_eq!(unsure().await, 1, "another change was carried there");
    let mut lines = Vec::new();
    while let Some(next) = person.next("a.rs", 0).await {
        person.take(&next);
        person.save(next.file.document.as_ref().unwrap()).await;
        lines.push(next.edit.text);
    }
    assert_eq!(lines, ["2, 1", "4, 3"]);
    // What comes then is as sure as the first.
    person.set("a.rs", person.text("a.rs").replace("b: u16, a: u8", "a: u8, b: u16"));
    assert_eq!(unsure().await, 0);
}

/// While the changed function has no name, another file is saved.
#[tokio::test]
async fn calls_mended_by_hand_are_not_turned_back_after_a_broken_moment() {
    let c = "fn other() { one(); }\n";
    let person = Person::new(&[("a.rs", A), ("b.rs", B), ("c.rs", c)]);
    let turned = A.replace("a: u8, b: u16", "b: u16, a: u8").replace("(1, 2)", "(2, 1)").replace("(3, 4)", "(4, 3)");
    person.set("a.rs", turned.clone());
    person.set("b.rs", B.replace("5, 6", "6, 5"));
    person.save("b.rs").await;
    person.set("a.rs", turned.replacen("turn", "", 1));
    person.set("c.rs", c.replace("one", "two"));
    person.save("c.rs").await;
    person.set("a.rs", turned.replacen("turn", "spin", 1));
    while let Some(next) = person.next("a.rs", 0).await {
        assert!(!next.edit.text.contains(','), "{}", next.edit.text);
        person.take(&next);
    }
}

/// What overrides a method is renamed with it, and is no other of the new name.
#[tokio::test]
async fn an_override_in_another_file_follows() {
    let (a, b) = (
        "class A:\n    def load_all(self): pass\ndef f(a: A): a.load_all()\n",
        "from a import A\nclass B(A):\n    def load_all(self): pass\ndef g(b: B): b.load_all()\n",
    );
    let person = Person::new(&[("a.py", a), ("b.py", b)]);
    person.set("a.py", a.replacen("load_all", "read_all", 1));
    assert!(person.next("b.py", 0).await.is_some());
    // The override first.
    person.set("b.py", b.replacen("load_all", "read_all", 1));
    let root = person.folder.path().canonicalize().unwrap();
    let known = || person.assistant.indexing_of().definitions(std::slice::from_ref(&root), "read_all");
    for _ in 0..100 {
        if known().iter().any(|it| it.path.ends_with("b.py")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(known().iter().any(|it| it.path.ends_with("b.py")));
    for _ in 0..5 {
        if let Some(next) = person.next("a.py", 0).await {
            person.take(&next);
        }
    }
    assert_eq!(person.text("a.py"), a.replace("load_all", "read_all"));
    assert_eq!(person.text("b.py"), b.replace("load_all", "read_all"));
}

#[tokio::test]
async fn saving_while_a_name_is_deleted_settles_nothing() {
    for (name, text) in [
        ("a.rs", A),
        ("a.py", "def turn(a, b):\n    pass\n\nturn(1, 2)\n"),
        ("a.ts", "function turn(a: string) {}\nturn(\"\");\n"),
        ("a.go", "package a\n\nfunc turn(a int) {}\n\nfunc one() { turn(1) }\n"),
    ] {
        let person = Person::new(&[(name, text)]);
        person.set(name, text.replacen("turn", "", 1));
        person.save(name).await;
        person.assistant.settle_uses().await;
        person.set(name, text.replacen("turn", "spin", 1));
        assert_eq!(person.assistant.changes_of(&Arc::from(name)).unwrap().len(), 1, "{name}");
    }
}

/// Names of which the index keeps no words.
#[tokio::test]
async fn files_that_are_not_open_wait_still_when_the_open_ones_are_done() {
    let (a, b) = ("pub fn tu(a: u8, b: u16) {}\n", "use crate::a::tu;\nfn one() { tu(1, 2); }\n");
    let person = Person::new(&[("a.rs", a), ("b.rs", b)]);
    fs::write(person.folder.path().join("c.rs"), b).unwrap();
    person.set("a.rs", a.replace("a: u8, b: u16", "b: u16, a: u8"));
    let next = person.next("a.rs", 0).await.unwrap();
    person.take(&next);
    assert!(person.next("a.rs", 0).await.is_none());
    let waiting = || person.assistant.changes_of(&Arc::from("a.rs")).unwrap().len();
    assert_eq!(waiting(), 1);
    // The rest is not searched at every pause, while the file that waits is as it was.
    let searched = person.assistant.remembered().searched;
    person.set("a.rs", person.text("a.rs") + "\n");
    assert!(person.next("a.rs", 0).await.is_none());
    assert_eq!((person.assistant.remembered().searched, waiting()), (searched + 1, 1));
    fs::write(person.folder.path().join("c.rs"), b.replace("1, 2", "2, 1")).unwrap();
    person.set("a.rs", person.text("a.rs") + "\n");
    assert!(person.next("a.rs", 0).await.is_none());
    assert_eq!(person.assistant.remembered().searched, searched + 3);
}

#[tokio::test]
async fn lines_that_read_alike() {
    let each: String =
        ["a", "b", "c"].map(|name| format!("fn {name}() {{\n    prepare();\n    prepare();\n}}\n")).concat();
    let text = format!("fn prepare() {{}}\n{each}");
    let person = Person::new(&[("a.rs", &text)]);
    person.set("a.rs", text.replace("fn prepare", "fn get_ready"));
    let mut taken = 0;
    while let Some(next) = person.next("a.rs", 0).await {
        person.take(&next);
        taken += 1;
    }
    assert_eq!(taken, 6);
    let person = Person::new(&[("a.rs", &text)]);
    person.set("a.rs", text.replace("fn prepare", "fn get_ready"));
    let mut lines = Vec::new();
    while let Some(next) = person.next("a.rs", 0).await {
        lines.push(next.file.before.rope().byte_to_line(next.edit.range.start));
        person.assistant.next_edit_dismissed(next.id);
    }
    assert_eq!(lines, [2, 6, 10]);
}
