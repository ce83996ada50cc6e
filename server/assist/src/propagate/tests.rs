//! Small workspaces, a definition changed by hand in one file, and what is carried.

#![allow(clippy::unwrap_used)]

use std::{fs, sync::Arc};

use super::*;
use crate::{Assistant, Options, Which, Workspace};
use pilotlight_engine::EngineError;
use pilotlight_syntax::Change;

/// `files` as `//- path` and text; in the first, `old` is replaced by `new` as a person would. Gives the diff of what is certain, then what is not, then what is left.
async fn carried(files: &str, old: &str, new: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let mut first = None;
    for file in files.split("//- ").skip(1) {
        let (name, text) = file.split_once('\n').unwrap();
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        first.get_or_insert((path, text.to_owned()));
    }
    let (path, text) = first.unwrap();
    let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("there is none".into())));
    assistant.set_workspace(Workspace::new(Options::default(), [root.clone()]));
    let document: DocumentId = Arc::from("home");
    assistant.open(document.clone(), Some(path.clone()), Language::from_path(&path), 1, &text);
    assert!(text.contains(old), "{old}");
    let changed = Change { span: None, text: text.replacen(old, new, 1) };
    assistant.change(&document, 2, &[changed], Default::default()).unwrap();
    let changes = assistant.changes_of(&document).unwrap();
    let revision = assistant.snapshot(&document).unwrap().revision();
    let mut out = String::new();
    for change in changes {
        let offer = match assistant.propagate(&document, revision, change, CancellationToken::new()).await {
            Ok(offer) => offer,
            Err(error) => {
                out += &format!("{error}\n");
                continue;
            }
        };
        let relative = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        let diff = offer.set.diff(Which::Certain, |file| relative(&file.name()));
        out += &diff
            .lines()
            .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("---"))
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        for file in &offer.set.files {
            for edit in file.edits.iter().filter(|edit| edit.doubt.is_some()) {
                let line = file.before.rope().byte_to_line(edit.range.start) + 1;
                out += &format!("? {}:{line} {}\n", relative(&file.name()), edit.doubt.as_ref().unwrap());
            }
        }
        for left in &offer.set.left {
            out += &format!("! {}:{} {}\n", relative(&left.path), left.line + 1, left.because);
        }
    }
    out
}

const RUST: &str = r#"//- src/geo.rs
pub fn area(width: u32, height: u64) -> u64 { height }
pub struct Shape { pub corner_count: u8 }
impl Shape {
    pub fn scale_by(&self, x: u8, y: u16) -> u8 { self.corner_count + x }
    pub fn get(&self) -> u8 { self.scale_by(1, 2) }
}
//- src/lib.rs
mod geo;
use geo::{area, Shape};
// area of it
pub fn one(shape: &Shape) -> u64 {
    let area_of = area(1, 2);
    assert_eq!(area(3, 4), geo::area(5, 6));
    let text = "area";
    shape.scale_by(1, 2); Shape::scale_by(shape, 3, 4);
    let Shape { corner_count } = shape;
    let made = Shape { corner_count: 1 };
    map.get(1);
    area_of
}
fn other(area: fn(u8)) { area(1) }
//- src/else.rs
mod inner { pub fn area() {} pub fn call() { area() } }
"#;

/// The same for each of `changes`.
async fn all(files: &str, changes: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (old, new) in changes {
        out += &format!("=== {new}\n{}", carried(files, old, new).await);
    }
    out
}

#[tokio::test]
async fn a_function_in_rust() {
    let changes = [
        ("pub fn area(", "pub fn surface("),
        ("width: u32, height: u64", "height: u64, width: u32"),
        ("width: u32, ", ""),
        ("height: u64)", "height: u64, depth: u8)"),
        ("-> u64 { height }", "-> u64 { 1 }"),
    ];
    insta::assert_snapshot!(all(RUST, &changes).await);
}

#[tokio::test]
async fn members_in_rust() {
    let changes = [
        ("scale_by(&self, x: u8, y: u16)", "scaled(&self, y: u16, x: u8)"),
        ("corner_count: u8", "corners: u8"),
        ("pub fn get(", "pub fn size("),
        ("struct Shape", "struct Form"),
    ];
    insta::assert_snapshot!(all(RUST, &changes).await);
}

#[tokio::test]
async fn a_definition_is_renamed_with_its_uses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("lib.rs");
    let text = "fn one() { area(1); }\nfn area(a: u8) {}\nfn two() { area(2); }\n";
    fs::write(&path, text).unwrap();
    let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("there is none".into())));
    assistant.set_workspace(Workspace::new(Options::default(), [path.parent().unwrap().to_owned()]));
    let document: DocumentId = Arc::from("home");
    assistant.open(document.clone(), Some(path), Language::Rust, 1, text);
    let at = text.find("fn area").unwrap() + 4;
    let offer = assistant.rename(&document, at, "a", CancellationToken::new()).await.unwrap();
    assert_eq!(offer.set.files[0].after(Which::Certain), text.replace("area", "a"));
    for (at, name, error) in [
        (at, "a b", "expected a name for `area`, found \"a b\""),
        (at, "area", "expected a name for `area`, found \"area\""),
        (
            0,
            "x",
            "there is no definition's name here: put the cursor on the name where it is defined (parameters and local variables are not renamed)",
        ),
    ] {
        let refused = assistant.rename(&document, at, name, CancellationToken::new()).await.unwrap_err();
        assert_eq!(refused.to_string(), error);
    }
}

/// Nothing is certain then: the definition alone would have another name.
#[tokio::test]
async fn a_definition_is_not_renamed_to_what_is_there() {
    for (name, text, at) in [
        ("shop.py", "def total_price(): pass\ndef render(): pass\ntotal_price()\n", "total_price()"),
        ("shop.ts", "function total_price() {}\nfunction render() {}\ntotal_price();\n", "total_price()"),
        ("shop.rs", "fn total_price() {}\nfn render() { total_price() }\n", "total_price()"),
        ("shop.go", "package a\n\nfunc total_price() {}\nfunc render() { total_price() }\n", "total_price()"),
        ("S.java", "class S {\n    void total_price() {}\n    void render() { total_price(); }\n}\n", "total_price()"),
        (
            "s.py",
            "class S:\n    def total_price(self): pass\n    def render(self): self.total_price()\n",
            "total_price(",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join(name);
        fs::write(&path, text).unwrap();
        let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("none".into())));
        assistant.set_workspace(Workspace::new(Options::default(), [path.parent().unwrap().to_owned()]));
        let document: DocumentId = Arc::from("home");
        assistant.open(document.clone(), Some(path.clone()), Language::from_path(&path), 1, text);
        let at = text.find(at).unwrap();
        let offer = assistant.rename(&document, at, "render", CancellationToken::new()).await.unwrap();
        let doubts: Vec<_> =
            offer.set.files.iter().flat_map(|file| &file.edits).map(|edit| edit.doubt.clone()).collect();
        assert_eq!(doubts, vec![Some("`render` means something else here".to_owned()); 2], "{name}");
        assert_eq!(offer.set.diff(Which::Certain, |_| String::new()), "");
    }
}

const PYTHON: &str = r#"//- pkg/core.py
LIMIT = 3

def retry(count, delay=1, *, verbose=False):
    """Tries count times."""
    return count + delay

class Job(Base):
    def run_once(self, name, size):
        return name + str(size)
    def go(self):
        self.run_once("a", 1)
//- pkg/use.py
from .core import retry, Job, LIMIT
from pkg import core
import pkg.core as c

def main(job: Job, anything):
    retry(1, delay=2)
    core.retry(1, 2, verbose=True)
    c.retry(*args)
    job.run_once("x", size=2)
    anything.run_once("y", 3)
    call(retry)
    print(LIMIT)
//- pkg/other.py
def retry(a): pass
retry(1)
"#;

#[tokio::test]
async fn python() {
    let changes = [
        ("def retry", "def again"),
        ("delay=1,", "pause=1,"),
        ("name, size", "size, name"),
        ("LIMIT", "MOST"),
        ("run_once(self, name, size)", "run_once(self, name, size, when)"),
    ];
    insta::assert_snapshot!(all(PYTHON, &changes).await);
}

/// Members that are given by an assignment, what an imported function gives, and the names of a class in its body.
#[tokio::test]
async fn members_in_python() {
    let files = r#"//- pkg/parts.py
class Parsed:
    wanted_extras: list
    pattern_text = "a"
    pattern = compile(pattern_text + "b")
    def of(self):
        return self.pattern_text + pattern_text

def parse_parts(text) -> Parsed:
    return Parsed(text)
//- pkg/user.py
from .parts import parse_parts as _parse
from elsewhere import parse_other

class Wanted:
    def __init__(self, text):
        parsed = _parse(text)
        self.wanted_extras = parsed.wanted_extras
    def __eq__(self, other):
        return self.wanted_extras == other.wanted_extras
"#;
    let expected = "+++ b/pkg/user.py\n-        self.wanted_extras = parsed.wanted_extras\n+        self.wanted_extras = parsed.extras\n\
        ? pkg/user.py:9 the type of what it is a member of is not known\n";
    assert_eq!(carried(files, "wanted_extras", "extras").await, expected);
    let expected = "+++ b/pkg/parts.py\n-    pattern = compile(pattern_text + \"b\")\n+    pattern = compile(source + \"b\")\n\
        -        return self.pattern_text + pattern_text\n+        return self.source + pattern_text\n";
    assert_eq!(carried(files, "pattern_text", "source").await, expected);
}

/// Every way in which a type is told of an object that is written or taken apart.
#[tokio::test]
async fn objects_in_typescript() {
    let files = r#"//- src/props.ts
export interface Props { title: string; shown?: boolean; inner: Inner }
export interface Inner { depth: number }
export interface Other { title: string }
//- src/use.ts
import { Props, Inner, Other } from "./props";
const made: Props = { title: "", inner: { depth: 1 } };
const { title, inner: within } = made;
function view({ title }: Props, { title: second }: Partial<Props>) { return title + second; }
const other: Other = { title: "" };
function make(): Props { return { title: "", inner }; }
const anything = { title: "" };
const cast = { title: "" } as Props;
function depth(props: Props) { const { inner } = props; return inner.depth; }
"#;
    let changes = [("title: string; shown", "heading: string; shown"), ("depth: number", "level: number")];
    insta::assert_snapshot!(all(files, &changes).await, @r#"
    === heading: string; shown
    +++ b/src/use.ts
    -const made: Props = { title: "", inner: { depth: 1 } };
    -const { title, inner: within } = made;
    -function view({ title }: Props, { title: second }: Partial<Props>) { return title + second; }
    +const made: Props = { heading: "", inner: { depth: 1 } };
    +const { heading: title, inner: within } = made;
    +function view({ heading: title }: Props, { heading: second }: Partial<Props>) { return title + second; }
    -function make(): Props { return { title: "", inner }; }
    +function make(): Props { return { heading: "", inner }; }
    -const cast = { title: "" } as Props;
    +const cast = { heading: "" } as Props;
    ? src/use.ts:7 the type of the object is not known
    === level: number
    +++ b/src/use.ts
    -function depth(props: Props) { const { inner } = props; return inner.depth; }
    +function depth(props: Props) { const { inner } = props; return inner.level; }
    ? src/use.ts:2 the type of the object is not known
    "#);
}

const TYPESCRIPT: &str = r#"//- src/store.ts
export interface Entry { entryKey: string; size: number }
export class Store extends Base {
  private openCount = 0;
  insertEntry(entry: Entry, ttl: number, tag?: string): void { this.openCount++; }
  open() { this.insertEntry({ entryKey: "", size: 1 }, 2); }
}
export const makeStore = (path: string, size: number) => new Store();
//- src/app.ts
import { Store, makeStore as make, Entry } from "./store.js";
import * as store from "./store";
import { makeStore } from "other";
const s: Store = make("a", 1);
s.insertEntry(e, 1, "t");
store.makeStore("b", 2);
makeStore("c", 3);
anything.insertEntry(...all);
export function key(e: Entry) { return e.entryKey; }
export { Store };
//- src/over.ts
export function retype<S>(a: S): S;
export function retype(a: any, b?: any): any { return retype(a); }
"#;

#[tokio::test]
async fn overloads_are_one_function() {
    let files = TYPESCRIPT.split("//- ").find(|file| file.starts_with("src/over.ts")).unwrap();
    let files = format!("//- {files}");
    let expected = "+++ b/src/over.ts\n-export function retype(a: any, b?: any): any { return retype(a); }\n+export function typed(a: any, b?: any): any { return typed(a); }\n";
    assert_eq!(carried(&files, "retype<S>", "typed<S>").await, expected);
}

#[tokio::test]
async fn typescript() {
    let changes = [
        ("insertEntry(entry: Entry, ttl: number,", "put(entry: Entry,"),
        ("const makeStore", "const openStore"),
        ("path: string, size: number", "size: number, path: string"),
        ("entryKey: string", "id: string"),
        ("class Store", "class Shop"),
    ];
    insta::assert_snapshot!(all(TYPESCRIPT, &changes).await);
}

#[tokio::test]
async fn a_class_in_a_function() {
    let files = "//- src/plugin.ts\nexport function load() {\n  class DraftMap {\n    has(key: string, deep: boolean) { return deep }\n    drop(key: string) { return this.has(key, true) }\n  }\n  return new DraftMap()\n}\n";
    let expected = "+++ b/src/plugin.ts\n-    drop(key: string) { return this.has(key, true) }\n+    drop(key: string) { return this.has(key) }\n";
    assert_eq!(carried(files, "key: string, deep: boolean", "key: string").await, expected);
}

const GO: &str = r#"//- geo/geo.go
package geo

type Shape struct { CornerCount int }

func (s *Shape) ScaleBy(x int, y string) int { return s.CornerCount }

func Area(width int, name string) int { return width }

func local() int { return Area(1, "") }
//- geo/more.go
package geo

var one = Area(1, "one")
//- main.go
package main

import "example.com/m/geo"

type Area struct{}

func main() {
	s := &geo.Shape{CornerCount: 1}
	s.ScaleBy(1, "x")
	geo.Area(2, "two")
	f := geo.Area
}
//- go.mod
module example.com/m
"#;

#[tokio::test]
async fn go() {
    let changes = [
        ("func Area", "func Surface"),
        ("width int, name string", "name string, width int"),
        ("CornerCount int", "Corners int"),
        ("ScaleBy(x int, y string)", "ScaleBy(y string)"),
    ];
    insta::assert_snapshot!(all(GO, &changes).await);
}

mod doubts;
mod each_once;
mod elsewhere;
mod files;
mod go;
mod loose;
mod meaning;
mod namesakes;
mod settled;
