//! Lines from places like the cursor's.
#![allow(clippy::unwrap_used)]

#[path = "fixture/workspace.rs"]
mod workspace;

use pilotlight_context::recall::Recall;
use workspace::Workspace;

impl Workspace {
    /// What is remembered at the cursor, of the workspace or of the open file alone.
    fn recall(&self, everywhere: bool, last: &Recall) -> Recall {
        let around = self.around();
        Recall::at(&self.snapshot, self.cursor, &self.path, everywhere.then_some(&around), last)
    }
}

const ROUTES: &str = r#"
//- src/users.rs
fn users(app: &mut App) {
    let handler = load_handler("users");
    app.register(handler);
    app.enable_logging();
}
//- src/token.rs
fn token(app: &mut App) {
    let handler = load_handler("token");
    connect("postgres://app:hunter2secret@db");
    app.enable_logging();
}
//- src/orders.rs
fn orders(app: &mut App) {
    let handler = load_handler("orders");
    $0
    app.enable_logging();
}
"#;

#[test]
fn the_line_of_the_place_that_is_most_alike_is_the_guess() {
    let work = Workspace::new(ROUTES);
    let recall = work.recall(true, &Recall::default());
    let guess = recall.guess("").unwrap();
    assert_eq!((guess.rest.as_str(), &*guess.of.path, guess.of.line), ("app.register(handler);", "src/users.rs", 2));
    assert_eq!(recall.guess("app.reg").unwrap().rest, "ister(handler);", "what was typed is not written again");
    assert_eq!(recall.guess("app.register(handler);"), None, "nothing is left to write");
    assert_eq!(recall.guess("something_else"), None);
    assert_eq!(work.recall(false, &Recall::default()).guess("app.r"), None, "the open file alone has none");
}

#[test]
fn a_place_with_the_same_lines_around_it_is_surer_than_one_that_shares_a_word() {
    let alike = |above: &str| {
        let file = format!(
            "//- a.py\ndef one():\n    start = clock()\n    record(start)\n    finish()\n\ndef two():\n    {above}\n    $0\n    finish()\n"
        );
        Workspace::new(&file).recall(true, &Recall::default()).guess("record").unwrap()
    };
    let (same, word, none) = (alike("start = clock()"), alike("begin = clock()"), alike("go_on = True"));
    assert!(same.sureness > word.sureness && word.sureness > none.sureness, "{same:?} {word:?} {none:?}");
    assert!(same.is_certain(), "{same:?}");
    // However seldom such a guess is right, it is shown in the place of what is right more seldom.
    assert!(none.beats(none.sureness * 1.6) && !none.beats(none.sureness * 1.7));
}

const SETTERS: &str = r#"
//- shape.rs
enum Changed {
    EVENTS
}

impl Shape {
    fn set_height(&mut self, height: u32) {
        self.height = height;
        self.emit(Changed::Height);
    }

    fn set_NAME(&mut self, NAME: u32) {
BODY        $0
    }
}
"#;

#[test]
fn words_that_are_others_around_the_line_are_others_in_it() {
    let setter_of = |events: &str, name: &str, body: &str| {
        let file = SETTERS.replace("EVENTS", events).replace("NAME", name).replace("BODY", body);
        Workspace::new(&file).recall(false, &Recall::default()).guess("self.").unwrap()
    };
    let setter = |name: &str, body: &str| setter_of("Height, Width", name, body);
    let first = setter("width", "");
    assert_eq!((first.rest.as_str(), first.of.line, first.of.renamed), ("width = width;", 6, true));
    let second = setter("width", "        self.width = width;\n");
    assert_eq!((second.rest.as_str(), second.of.line, second.of.renamed), ("emit(Changed::Width);", 7, true));
    let same = setter("height", "");
    assert_eq!((same.rest.as_str(), same.of.line, same.of.renamed), ("height = height;", 6, false));
    // A word that the file has already is likelier than one that it has not.
    let strange = setter_of("Height", "width", "        self.width = width;\n");
    assert_eq!(strange.of.text, second.of.text);
    assert!(strange.sureness < second.sureness, "{strange:?} {second:?}");
}

#[test]
fn words_that_are_typed_as_others_are_others_in_the_rest_of_the_line() {
    let work = Workspace::new(ROUTES);
    let recall = work.recall(true, &Recall::default());
    let guess = recall.guess("router.reg").unwrap();
    assert_eq!((guess.rest.as_str(), guess.of.renamed), ("ister(handler);", true));
    assert!(guess.sureness < recall.guess("app.reg").unwrap().sureness, "{guess:?}");
    assert_eq!(recall.guess("router.ask"), None);
}

#[test]
fn typing_on_the_line_leaves_what_is_remembered_as_it_is() {
    let mut work = Workspace::new(ROUTES);
    let before = work.recall(true, &Recall::default());
    work.type_text("app.");
    // Nothing is looked through again: what there is comes from `last`, although the workspace is not to be seen.
    assert_eq!(work.recall(false, &before), before);
    work.type_text("register(handler);\n    ");
    assert_ne!(work.recall(true, &before), before, "another line is another place");
}

#[test]
fn lines_with_secrets_are_no_guesses() {
    let work = Workspace::new(ROUTES);
    assert_eq!(work.recall(true, &Recall::default()).guess("connect"), None);
}

#[test]
fn the_cursor_of_an_empty_file_remembers_nothing() {
    let work = Workspace::new("//- a.rs\n$0");
    assert_eq!(work.recall(true, &Recall::default()).guess(""), None);
}

#[test]
fn a_line_that_stands_beside_the_cursor_is_no_guess() {
    let guess = |file: &str, typed: &str| {
        let work = Workspace::new(&format!("//- a.py\n{file}"));
        work.recall(false, &Recall::default()).guess(typed).map(|guess| guess.of.text.to_string())
    };
    assert_eq!(guess("import os\nimport sys\n$0\n", "import s"), None);
    // Further away it may be what is written again; and so is what stands in pairs.
    assert_eq!(guess("b()\nrecord(a)\nb()\n$0\n", "rec").as_deref(), Some("record(a)"));
    assert_eq!(guess("row(0, 0)\nrow(0, 0)\n$0\n", "row").as_deref(), Some("row(0, 0)"));
}

#[test]
fn what_closes_is_a_guess_beside_what_closes() {
    let work = Workspace::new(
        "//- one.tsx\nexport const one = (\n  <Outer>\n    <Outer>\n      <Cell name=\"one\" />\n    </Outer>\n  </Outer>\n);\n//- two.tsx\nexport const two = (\n  <Outer>\n    <Outer>\n      <Cell name=\"two\" />\n    </Outer>\n  $0\n);\n",
    );
    let guess = work.recall(true, &Recall::default()).guess("").unwrap();
    assert_eq!(&*guess.of.text, "</Outer>");
}

#[test]
fn a_line_of_another_language_is_no_guess() {
    let said = |path: &str, here: &str| {
        let file = format!(
            "//- py/app.py\ndef show(cart):\n    total = shop.total_price(cart)\n    print(total)\n//- c/{path}\nvoid show(struct cart *cart) {{\n    double total = total_price(cart);\n    report(total);\n//- {here}\nstart\n    total = shop.total_price(cart);\n    $0\n"
        );
        Workspace::new(&file).recall(true, &Recall::default()).guess("").map(|guess| guess.of.path.to_string())
    };
    assert_eq!(said("a.c", "b.py").as_deref(), Some("py/app.py"));
    assert_eq!(said("a.c", "b.c").as_deref(), Some("c/a.c"));
    assert_eq!(said("a.c", "b.cpp").as_deref(), Some("c/a.c"));
    assert_eq!(said("a.ts", "b.jsx").as_deref(), Some("c/a.ts"));
    assert_eq!(said("a.tsx", "b.ts").as_deref(), Some("c/a.tsx"));
    assert_eq!(said("a.c", "b.lua"), None);
    assert_eq!(said("a.c", "notes.txt"), None);
}
