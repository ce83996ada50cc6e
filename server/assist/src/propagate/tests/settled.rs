//! What waits to be carried after something was.

use super::*;

/// The changes that wait, once `text` has become `now` by hand, then `after` by carrying the change of the definition that was called `name`.
async fn waiting(text: &str, now: &str, name: &str, after: &str) -> Vec<String> {
    let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("there is none".into())));
    let document: DocumentId = Arc::from("home");
    assistant.open(document.clone(), None, Language::Rust, 1, text);
    let set = |version: i32, text: &str| {
        let change = Change { span: None, text: text.to_owned() };
        assistant.change(&document, version, &[change], Default::default()).unwrap();
    };
    set(2, now);
    let changes = assistant.changes_of(&document).unwrap();
    let change = changes.iter().find(|change| change.old_name == name).unwrap();
    let still = difference::still_waiting(&changes, change);
    set(3, after);
    assistant.carried(&document, still).await;
    let left = assistant.changes_of(&document).unwrap();
    left.into_iter().map(|it| format!("{} {}", it.old_name, it.new_name)).collect()
}

#[tokio::test]
async fn one_change_of_two_is_carried() {
    let text = "fn a(x: u8) {}\nfn b(x: u8) { a(1) }\nfn c() { b(2); a(3) }\n";
    let now = "fn first(x: u8) {}\nfn second(x: u8) { a(1) }\nfn c() { b(2); a(3) }\n";
    let after = "fn first(x: u8) {}\nfn second(x: u8) { first(1) }\nfn c() { b(2); first(3) }\n";
    assert_eq!(waiting(text, now, "a", after).await, ["b second"]);
    let after = "fn first(x: u8) {}\nfn second(x: u8) { a(1) }\nfn c() { second(2); a(3) }\n";
    assert_eq!(waiting(text, now, "b", after).await, ["a first"]);
    let after = "fn first(x: u8) {}\nfn c() { first(3) }\n";
    assert!(waiting(text, now, "a", after).await.is_empty(), "what is gone does not wait");
}

#[tokio::test]
async fn what_carrying_changes_is_no_change_by_hand() {
    let text = "struct Shape { side: u8 }\nimpl Shape {\n    fn get(&self, a: u8, b: u16) -> u8 { self.side }\n}\nfn of(shape: Shape) {}\n";
    let now = "struct Form { side: u8 }\nimpl Shape {\n    fn get(&self, b: u16, a: u8) -> u8 { self.side }\n}\nfn of(shape: Shape) {}\n";
    let after = "struct Form { side: u8 }\nimpl Form {\n    fn get(&self, b: u16, a: u8) -> u8 { self.side }\n}\nfn of(shape: Form) {}\n";
    assert_eq!(waiting(text, now, "Shape", after).await, ["get get"]);
    let after = "struct Form { side: u8 }\nimpl Shape {\n    fn get(&self, b: u16, a: u8) -> u8 { self.side }\n}\nfn of(shape: Shape) {}\n";
    assert_eq!(waiting(text, now, "get", after).await, ["Shape Form"]);
}
