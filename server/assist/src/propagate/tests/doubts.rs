//! What looks like the changed definition and may be something else: it is left alone, or to be confirmed.

use super::*;

#[tokio::test]
async fn members_are_not_what_is_imported() {
    let files = "//- utils.py\ndef validate(data): pass\n//- forms.py\nfrom utils import validate\nclass Form:\n    def validate(self):\n        return validate(self.data)\n";
    let expected = "+++ b/forms.py\n-from utils import validate\n+from utils import check_data\n\
        -        return validate(self.data)\n+        return check_data(self.data)\n";
    assert_eq!(carried(files, "def validate", "def check_data").await, expected);
    let files = r#"//- src/label.tsx
export const label = "x";
//- src/field.tsx
import { label } from "./label";
interface Props { label: string }
class Field { label = 1; }
enum Kind { label }
const one = (p: Props) => <Field label={label} x={p.label}>label</Field>;
"#;
    let expected = "+++ b/src/field.tsx\n-import { label } from \"./label\";\n+import { caption } from \"./label\";\n\
        -const one = (p: Props) => <Field label={label} x={p.label}>label</Field>;\n\
        +const one = (p: Props) => <Field label={caption} x={p.label}>label</Field>;\n? src/field.tsx:1 in a string\n";
    assert_eq!(carried(files, "const label", "const caption").await, expected);
    let files = r#"//- src/geo.rs
pub fn area() {}
//- src/lib.rs
mod geo;
use geo::area;
struct One { area: u8 }
trait Two { fn area(&self); }
impl One { fn area(&self) -> u8 { area(); self.area } }
#[area]
fn two() {}
"#;
    let expected = "+++ b/src/lib.rs\n-use geo::area;\n+use geo::size;\n-impl One { fn area(&self) -> u8 { area(); self.area } }\n\
        +impl One { fn area(&self) -> u8 { size(); self.area } }\n? src/lib.rs:6 it is the name of an attribute\n";
    assert_eq!(carried(files, "fn area", "fn size").await, expected);
}

fn doubt(places: &[&str]) -> String {
    places.iter().map(|place| format!("? {place} `read_all` means something else here\n")).collect()
}

#[tokio::test]
async fn the_new_name_is_taken() {
    let files = "//- a.py\ndef load_all(): pass\n//- c.py\nfrom a import load_all\ndef read_all(): pass\nload_all() + read_all()\n";
    assert_eq!(carried(files, "def load_all", "def read_all").await, doubt(&["c.py:1", "c.py:3"]));
    let files = "//- a.py\ndef load_all(): pass\n//- c.py\nfrom a import load_all\nfrom z import read_all\nload_all() + read_all()\n";
    assert_eq!(carried(files, "def load_all", "def read_all").await, doubt(&["c.py:1", "c.py:3"]));
    let files = "//- a.py\ndef load_all(): pass\ndef outer():\n    def read_all(): pass\n    load_all()\nload_all()\n";
    let expected = "+++ b/a.py\n-load_all()\n+read_all()\n".to_owned() + &doubt(&["a.py:4"]);
    assert_eq!(carried(files, "def load_all", "def read_all").await, expected);
    let files =
        "//- src/a.rs\npub fn load_all() {}\n//- src/lib.rs\nmod a;\nuse a::load_all;\nfn read_all() { load_all() }\n";
    assert_eq!(carried(files, "fn load_all", "fn read_all").await, doubt(&["src/lib.rs:2", "src/lib.rs:3"]));
    // By its new name it is imported already.
    let files = "//- a.py\ndef load_all(): pass\n//- c.py\nfrom a import read_all, load_all\nload_all() + read_all()\n";
    let expected = "+++ b/c.py\n-from a import read_all, load_all\n-load_all() + read_all()\n\
        +from a import read_all, read_all\n+read_all() + read_all()\n";
    assert_eq!(carried(files, "def load_all", "def read_all").await, expected);
    // With an alias the name is not known there.
    let files = "//- a.py\ndef load_all(): pass\n//- c.py\nfrom a import load_all as la\ndef read_all(): pass\nla()\n";
    let expected = "+++ b/c.py\n-from a import load_all as la\n+from a import read_all as la\n";
    assert_eq!(carried(files, "def load_all", "def read_all").await, expected);
}

/// The new name is that of a definition beside it, whose uses stay its own.
#[tokio::test]
async fn the_new_name_is_that_of_a_neighbour() {
    let files = "//- a.py\ndef load_all(path): pass\ndef read_all(path, mode): pass\nload_all(p)\nread_all(p, 'r')\n//- c.py\nfrom a import read_all\nread_all(p, 'r')\n//- d.py\nimport a\na.load_all(p)\n";
    let expected = doubt(&["a.py:3", "d.py:2"]);
    assert_eq!(carried(files, "def load_all", "def read_all").await, expected);
    for files in [
        "//- a.py\nclass A:\n    def load_all(self, path): pass\n    def read_all(self, path, mode): pass\ndef f(a: A): a.load_all(1)\ndef g(a: A): a.read_all(1, 2)\n",
        "//- a.ts\nclass A {\n  load_all(path: string) {}\n  read_all(path: string, mode: string) {}\n}\nfunction f(a: A) { a.load_all(\"\"); }\nfunction g(a: A) { a.read_all(\"\", \"\"); }\n",
        "//- a.py\nclass A:\n    def load_all(self, path): pass\n    def __init__(self): self.read_all = 1\ndef f(a: A): a.load_all(1)\n",
        "//- a.rs\nstruct A;\nimpl A {\n    fn load_all(&self, path: u8) {}\n    fn read_all(&self, path: u8, mode: u8) {} }\nfn f(a: &A) { a.load_all(1) }\nfn g(a: &A) { a.read_all(1, 2) }\n",
    ] {
        let line = 1 + files.lines().skip(1).position(|line| line.contains("a.load_all")).unwrap();
        let path = files[4..].lines().next().unwrap();
        assert_eq!(carried(files, "load_all", "read_all").await, doubt(&[&format!("{path}:{line}")]));
    }
    // A base or a subclass has it.
    for (files, places) in [
        (
            "//- a.py\nclass A:\n    def load_all(self, path): pass\n//- b.py\nfrom a import A\nclass B(A):\n    def read_all(self, path, mode): pass\n//- c.py\nfrom b import B\ndef f(b: B): b.load_all(1)\n",
            "c.py:2",
        ),
        (
            "//- a.ts\nimport { Z } from \"./z\";\nexport class A extends Z {\n  load_all(path: string) {}\n}\n//- z.ts\nexport class Z {\n  read_all(path: string, mode: string) {}\n}\n//- c.ts\nimport { A } from \"./a\";\nfunction f(a: A) { a.load_all(\"\"); }\n",
            "c.ts:2",
        ),
        (
            "//- a.go\npackage a\n\nfunc load_all() {}\n//- b.go\npackage a\n\nfunc read_all() { load_all() }\n//- c/c.go\npackage c\n\nfunc read_all() {}\n",
            "b.go:3",
        ),
    ] {
        assert_eq!(carried(files, "load_all", "read_all").await, doubt(&[places]));
    }
    let files = "//- a.go\npackage a\n\nfunc load_all() {}\nfunc one() { load_all() }\n//- c/c.go\npackage c\n\nfunc read_all() {}\n";
    let expected = "+++ b/a.go\n-func one() { load_all() }\n+func one() { read_all() }\n";
    assert_eq!(carried(files, "func load_all", "func read_all").await, expected);
    // A field and a method may share a name in Rust.
    let files = "//- a.rs\nstruct A { count: u8 }\nimpl A { fn len(&self) -> u8 { self.count } }\n";
    let expected =
        "+++ b/a.rs\n-impl A { fn len(&self) -> u8 { self.count } }\n+impl A { fn len(&self) -> u8 { self.len } }\n";
    assert_eq!(carried(files, "count: u8", "len: u8").await, expected);
}

#[tokio::test]
async fn one_of_several_overloads() {
    let files = "//- W.java\nclass W {\n    void write(String a) {}\n    void write(Object a) {}\n    void all() { write(\"x\"); }\n}\n";
    let doubt = "? W.java:4 it is defined more than once here\n";
    assert_eq!(carried(files, "write(Object", "writeObject(Object").await, doubt);
    assert_eq!(carried(files, "write(String", "writeString(String").await, doubt);
    let files =
        "//- src/lib.rs\n#[cfg(unix)]\nfn open_it() {}\n#[cfg(windows)]\nfn open_it() {}\nfn all() { open_it() }\n";
    let doubts = "? src/lib.rs:2 it is defined more than once here\n? src/lib.rs:5 it is defined more than once here\n";
    assert_eq!(carried(files, "windows)]\nfn open_it", "windows)]\nfn open_all").await, doubts);
    let files = "//- a.cpp\nvoid put(int a) {}\nvoid put(char *a) {}\nvoid all() { put(1); }\n";
    assert_eq!(carried(files, "put(char", "put_text(char").await, "? a.cpp:3 it is defined more than once here\n");
    // A prototype is the same function.
    let files = "//- a.c\nint put_it(int a);\nint all(void) { return put_it(1); }\nint put_it(int a) { return a; }\n";
    let expected = "+++ b/a.c\n-int put_it(int a);\n-int all(void) { return put_it(1); }\n+int put_all(int a);\n+int all(void) { return put_all(1); }\n";
    assert_eq!(carried(files, "put_it(int a) {", "put_all(int a) {").await, expected);
}
