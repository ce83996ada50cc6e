//! Names that are written like the changed one and mean something else, and names that mean it by other ways.

use super::*;

#[tokio::test]
async fn calls_in_the_arguments_of_calls() {
    let files = |call: &str, head: &str| {
        format!("//- src/lib.rs\npub fn go(left: u8, right: u16{head}) {{}}\nfn two() {{ {call}; }}\n")
    };
    let reordered = |call: &str| {
        let files = files(call, "");
        async move { carried(&files, "left: u8, right: u16", "right: u16, left: u8").await }
    };
    let line = |text: &str| format!("fn two() {{ {text}; }}\n");
    let diff = |old: &str, new: &str| format!("+++ b/src/lib.rs\n-{}+{}", line(old), line(new));
    assert_eq!(reordered("go(go(1, 2), 3)").await, diff("go(go(1, 2), 3)", "go(3, go(2, 1))"));
    assert_eq!(
        reordered("go(1, go(go(2, 3), vec![go(4, 5)]))").await,
        diff("go(1, go(go(2, 3), vec![go(4, 5)]))", "go(go(vec![go(5, 4)], go(3, 2)), 1)")
    );
    // Renamed too, and what goes takes nothing else with it.
    let text = files("go(go(1, 2, 3, 4), left(), 5, 6)", ", third: u32, fourth: u64");
    let changed =
        carried(&text, "go(left: u8, right: u16, third: u32, fourth: u64)", "run(fourth: u64, left: u8)").await;
    let expected = "+++ b/src/lib.rs\n! src/lib.rs:2 the argument that goes does something\n".to_owned();
    let inner = "-fn two() { go(go(1, 2, 3, 4), left(), 5, 6); }\n+fn two() { run(run(4, 1), left(), 5, 6); }\n";
    assert_eq!(changed, expected.replacen('\n', &format!("\n{inner}"), 1));
    assert_eq!(
        carried(
            &files("go(1, 2, 3, 4)", ", third: u32, fourth: u64"),
            "left: u8, right: u16, third: u32, fourth: u64",
            "fourth: u64, third: u32"
        )
        .await,
        diff("go(1, 2, 3, 4)", "go(4, 3)")
    );
}

/// What is certain does not depend on what is not.
#[tokio::test]
async fn a_call_that_is_sure_and_one_that_is_not() {
    let files = "//- src/lib.rs\npub struct One;\npub struct Two;\nimpl One {\n    pub fn get(&self, left: u8, right: u16) -> u8 { 1 }\n}\nimpl Two {\n    pub fn get(&self, left: u8, right: u16) -> u8 { 1 }\n}\n\
        fn outer(one: One) { one.get(any().get(1, 2), 3); }\nfn inner(one: One) { any().get(one.get(1, 2), 3); }\nfn both() { any().get(any().get(1, 2), 3); }\n";
    let expected = "+++ b/src/lib.rs\n-fn outer(one: One) { one.get(any().get(1, 2), 3); }\n-fn inner(one: One) { any().get(one.get(1, 2), 3); }\n\
        +fn outer(one: One) { one.get(3, any().get(1, 2)); }\n+fn inner(one: One) { any().get(one.get(2, 1), 3); }\n";
    let unknown = "the type of what it is a member of is not known";
    let outer = "calls stand in each other's arguments: the outer one is to be changed by hand";
    let told = format!("? src/lib.rs:11 {unknown}\n! src/lib.rs:9 {unknown}\n! src/lib.rs:10 {outer}\n");
    assert_eq!(carried(files, "left: u8, right: u16", "right: u16, left: u8").await, expected.to_owned() + &told);
}

#[tokio::test]
async fn a_function_that_calls_itself() {
    let files = "//- src/lib.rs\nfn go(left: u8, right: u16) { if left > 1 { go(left - 1, right) } }\n";
    let expected = "+++ b/src/lib.rs\n-fn go(right: u16, first: u8) { if left > 1 { go(left - 1, right) } }\n\
        +fn go(right: u16, first: u8) { if first > 1 { go(right, first - 1) } }\n";
    assert_eq!(carried(files, "left: u8, right: u16", "right: u16, first: u8").await, expected);
}

#[tokio::test]
async fn a_renamed_parameter_is_no_member_and_no_key() {
    let files = r#"//- src/lib.rs
struct Named { name: String, x: u8 }
impl Named {
    fn set(&mut self, name: String) {
        println!("{} {} {}", self.name, name, other.name());
        let all = vec![Named { name: 1, x: name }];
        let all = vec![Named { name, x }];
        format!("{a}", name = name);
        let one = Named { name, x: 1 };
        let name = 1;
        println!("{}", name);
    }
}
"#;
    let expected = r#"+++ b/src/lib.rs
-        println!("{} {} {}", self.name, name, other.name());
-        let all = vec![Named { name: 1, x: name }];
+        println!("{} {} {}", self.name, label, other.name());
+        let all = vec![Named { name: 1, x: label }];
-        format!("{a}", name = name);
-        let one = Named { name, x: 1 };
+        format!("{a}", name = label);
+        let one = Named { name: label, x: 1 };
? src/lib.rs:5 it may be the name of a field
? src/lib.rs:6 it may be the name of a field
? src/lib.rs:7 it may be the name of a field
"#;
    assert_eq!(carried(files, "name: String)", "label: String)").await, expected);
}

#[tokio::test]
async fn a_lifetime_is_no_name() {
    let files = "//- src/lib.rs\nstruct L<'src>(&'src str);\nimpl<'src> L<'src> {\n    fn new(src: &'src str) -> Self { 'src: loop { break 'src; } L(src) }\n}\n";
    let expected = "+++ b/src/lib.rs\n-    fn new(text: &'src str) -> Self { 'src: loop { break 'src; } L(src) }\n\
        +    fn new(text: &'src str) -> Self { 'src: loop { break 'src; } L(text) }\n";
    assert_eq!(carried(files, "src: &'src", "text: &'src").await, expected);
    let files = "//- src/lib.rs\nfn input() {}\nfn read<'input>(text: &'input str) { input() }\n";
    let expected = "+++ b/src/lib.rs\n-fn read<'input>(text: &'input str) { input() }\n+fn read<'input>(text: &'input str) { take() }\n";
    assert_eq!(carried(files, "fn input", "fn take").await, expected);
}

#[tokio::test]
async fn a_renamed_parameter_does_not_become_a_local() {
    let files = "//- src/lib.rs\nfn f(a: u8) -> u8 { let c = a; let b = 1; a + b + c }\n";
    let expected = "+++ b/src/lib.rs\n-fn f(b: u8) -> u8 { let c = a; let b = 1; a + b + c }\n\
        +fn f(b: u8) -> u8 { let c = b; let b = 1; a + b + c }\n? src/lib.rs:1 `b` means something else here\n";
    assert_eq!(carried(files, "a: u8", "b: u8").await, expected);
    // What is assigned to it in Python is still the parameter.
    let files = "//- lib.py\ndef take(items=None):\n    if items is None:\n        items = []\n    def more():\n        nonlocal items\n        items = 1\n    return [it for it in items]\n";
    let expected = "+++ b/lib.py\n-    if items is None:\n-        items = []\n+    if parts is None:\n+        parts = []\n\
        -        nonlocal items\n-        items = 1\n-    return [it for it in items]\n\
        +        nonlocal parts\n+        parts = 1\n+    return [it for it in parts]\n";
    assert_eq!(carried(files, "items=None", "parts=None").await, expected);
    // In Go a type alone is no name.
    let files = "//- lib.go\npackage lib\n\nfunc handle(int, string) int {\n\tvar a int = 1\n\treturn a\n}\n";
    assert_eq!(carried(files, "int, string", "count int, name string").await, "");
    // A default is of the scope around the function.
    let files = "//- lib.py\ntimeout = 3\ndef wait(timeout=timeout):\n    return timeout\n";
    let expected = "+++ b/lib.py\n-    return timeout\n+    return limit\n";
    assert_eq!(carried(files, "(timeout=", "(limit=").await, expected);
    let files = "//- lib.ts\nconst second = 1;\nexport function f(first: number) { return { first, g: (a: string) => first }; }\n";
    let expected = "+++ b/lib.ts\n-export function f(second: number) { return { first, g: (a: string) => first }; }\n\
        +export function f(second: number) { return { first: second, g: (a: string) => second }; }\n";
    assert_eq!(carried(files, "first: number", "second: number").await, expected);
}

#[tokio::test]
async fn a_function_is_no_field_in_a_macro() {
    let files = "//- src/lib.rs\nfn width() -> u8 { 1 }\nfn two() { vec![Shape { width: width() }]; assert!(it.width() == width()); }\n";
    let expected = "+++ b/src/lib.rs\n-fn two() { vec![Shape { width: width() }]; assert!(it.width() == width()); }\n\
        +fn two() { vec![Shape { width: breadth() }]; assert!(it.width() == breadth()); }\n? src/lib.rs:2 it may be the name of a field\n";
    assert_eq!(carried(files, "fn width", "fn breadth").await, expected);
}

#[tokio::test]
async fn names_of_a_python_module_that_are_given_again() {
    let files = r#"//- app/data.py
cache = None

def get():
    global cache
    if cache is None:
        cache = load()
    return cache

def other():
    cache = 1
    return cache
"#;
    let expected = "+++ b/app/data.py\n-    global cache\n-    if cache is None:\n-        cache = load()\n-    return cache\n\
        +    global store\n+    if store is None:\n+        store = load()\n+    return store\n";
    assert_eq!(carried(files, "cache = None", "store = None").await, expected);
    let files = "//- app/flags.py\nDEBUG = False\nif a:\n    DEBUG = True\nprint(DEBUG)\n//- app/use.py\nfrom .flags import DEBUG\nprint(DEBUG)\n";
    let expected = "+++ b/app/flags.py\n-    DEBUG = True\n-print(DEBUG)\n+    NOISY = True\n+print(NOISY)\n\
        +++ b/app/use.py\n-from .flags import DEBUG\n-print(DEBUG)\n+from .flags import NOISY\n+print(NOISY)\n";
    assert_eq!(carried(files, "DEBUG = False", "NOISY = False").await, expected);
    // What is imported where it can be is another one.
    let files = "//- app/fast.py\ntry:\n    from quick import parse_all\nexcept ImportError:\n    def parse_all(a): pass\nparse_all(1)\n";
    let expected = "? app/fast.py:5 something else has this name in the same scope\n";
    assert_eq!(carried(files, "def parse_all", "def read_all").await, expected);
}

#[tokio::test]
async fn a_type_and_a_value_of_one_name() {
    let files = r#"//- src/user.ts
export const User = z.object({});
export type User = z.infer<typeof User>;
export const read = (text: string): User => User.parse(text);
//- src/app.ts
import { User } from "./user";
User.parse("");
"#;
    let doubts = "? src/app.ts:1 more than one module defines it\n? src/app.ts:2 more than one module defines it\n\
        ? src/user.ts:2 something else has this name in the same scope\n\
        ? src/user.ts:3 something else has this name in the same scope\n? src/user.ts:3 something else has this name in the same scope\n";
    assert_eq!(carried(files, "type User", "type Person").await, doubts);
    assert_eq!(carried(files, "const User", "const Person").await, doubts);
}

#[tokio::test]
async fn a_field_that_a_pattern_takes_by_reference() {
    let files = r#"//- src/lib.rs
struct Point { left: u8, right: u8 }
fn f(p: Point) {
    let Point { ref left, ref mut right } = p;
    let Point { left, mut right } = p;
    let Point { left: ref one, .. } = p;
}
"#;
    let expected = "+++ b/src/lib.rs\n-    let Point { ref left, ref mut right } = p;\n-    let Point { left, mut right } = p;\n-    let Point { left: ref one, .. } = p;\n\
        +    let Point { start: ref left, ref mut right } = p;\n+    let Point { start: left, mut right } = p;\n+    let Point { start: ref one, .. } = p;\n";
    assert_eq!(carried(files, "left: u8", "start: u8").await, expected);
    let expected = "+++ b/src/lib.rs\n-    let Point { ref left, ref mut right } = p;\n-    let Point { left, mut right } = p;\n\
        +    let Point { ref left, end: ref mut right } = p;\n+    let Point { left, end: mut right } = p;\n";
    assert_eq!(carried(files, "right: u8 }", "end: u8 }").await, expected);
}
