//! Plans with the rest of a workspace: what they show of it, what they keep while a person types, and that no secret of any source is in any prompt.
#![allow(clippy::unwrap_used)]

#[path = "fixture/workspace.rs"]
mod workspace;

use pilotlight_context::{
    Anchor, Budget, Excerpt, Family, Input, Plan, Repository, Segment, Source, TokenCounter,
    family::{FAMILIES, ember, qwen},
    plan_with,
    sources::{Edit, Note, Place},
};
use pilotlight_syntax::{Document, Language};
use workspace::Workspace;

/// Four bytes a token.
struct Quarters;

impl TokenCounter for Quarters {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

impl Workspace {
    fn plan(&self, family: &Family, budget: usize, last: Option<&Plan>) -> Plan {
        let around = self.around();
        let kept: Option<(&[Excerpt], usize)> = last.map(|last| (last.excerpts.as_slice(), last.line_start));
        let anchor: Option<&Anchor> = last.map(|last| &last.anchor);
        let input = Input { path: &self.path, snapshot: &self.snapshot, cursor: self.cursor, anchor };
        let window = Budget { prefix: 400, suffix: 100 };
        plan_with(family, input, window, Some(Repository { name: "w", around, budget, kept }), &Quarters)
    }
}

const SHOP: &str = r#"
//- src/cart.rs
use crate::price::Money;

/// What a person buys.
pub struct Cart {
    pub lines: Vec<(String, Money)>,
}

impl Cart {
    /// What all of it costs.
    pub fn total(&self) -> Money {
        let mut total = Money::zero();
        for (_, price) in &self.lines {
            total = total.plus(*price);
        }
        total
    }
}
//- src/price.rs
/// Cents.
#[derive(Clone, Copy)]
pub struct Money(pub u64);

impl Money {
    pub fn zero() -> Self {
        Money(0)
    }
    pub fn plus(self, other: Money) -> Money {
        let sum = self.0 + other.0;
        let sum = sum.min(u64::MAX);
        assert!(sum >= self.0);
        assert!(sum >= other.0);
        Money(sum)
    }
}
//- src/weather.rs
static CLOUDS: [char; 2] = ['c', 'r'];

static mut FORECAST: Option<char> = None;
//- src/shop.rs
use crate::cart::Cart;

pub fn check_out(cart: &Cart) {
    $0
}
"#;

#[test]
fn what_the_code_uses_is_shown_and_what_it_does_not_is_left_out() {
    let display = Workspace::new(SHOP).plan(&ember::FAMILY, 200, None).display();
    assert!(display.starts_with("<|bos|><|file|>src/"), "{display}");
    for shown in ["pub struct Cart", "pub fn total(&self) -> Money", "pub struct Money"] {
        assert!(display.contains(shown), "{shown} in {display}");
    }
    assert!(!display.contains("FORECAST"), "{display}");
    let own =
        "<|file|>src/shop.rs\n<|suffix|>\n}\n<|prefix|>use crate::cart::Cart;\n\npub fn check_out(cart: &Cart) {\n    ";
    assert!(display.ends_with(own), "{display}");
}

#[test]
fn names_that_may_be_needed_are_listed_by_what_they_belong_to() {
    let fixture = r#"
//- src/pump.rs
pub struct Pump;
impl Pump {
    pub fn prime_slowly(&self) {}
    pub fn drain_basin(&self, level: Level) {}
}
pub fn basin_level() -> Level {}
//- src/other.rs
fn evening(pump: &Pump) {
    pump.prime_slowly();
    pump.drain_basin(basin_level());
    local_to_nobody();
}
//- src/shop.rs
fn morning(pump: &Pump) {
    pump.prime_slowly();
    $0
}
"#;
    let plan = Workspace::new(fixture).plan(&ember::FAMILY, 1000, None);
    let names: Vec<&Excerpt> = plan.excerpts.iter().filter(|excerpt| excerpt.id.source == Source::Names).collect();
    let [names] = names[..] else { panic!("{:?}", plan.excerpts) };
    let mut lines: Vec<&str> = names.text.lines().collect();
    lines.sort_unstable();
    // Not what the file has already (`Pump`, `prime_slowly`), nor what nobody defines.
    assert_eq!(lines, ["// Pump: drain_basin", "// basin_level, evening"], "{}", names.text);
}

#[test]
fn what_others_have_in_the_same_index_is_never_named_and_crowds_nothing_out() {
    let fixture = r#"
//- src/pump.rs
pub struct Pump;
impl Pump {
    pub fn prime_slowly(&self) {}
    pub fn drain_basin(&self, level: Level) {}
}
//- src/other.rs
fn evening(pump: &Pump) {
    pump.prime_slowly();
    pump.drain_basin(1);
    render_frame();
}
//- src/shop.rs
fn morning(pump: &Pump) {
    pump.prime_slowly();
    $0
}
"#;
    let mut workspace = Workspace::new(fixture);
    let alone = workspace.plan(&ember::FAMILY, 1000, None);
    workspace
        .elsewhere("src/engine.rs", "struct SecretEngine;\nimpl SecretEngine {\n    fn render_frame(&self) {}\n}\n");
    for number in 0..80 {
        let text = "struct Pump;\nimpl Pump {\n    fn prime_slowly(&self) {}\n    fn drain_basin(&self) {}\n}\n";
        workspace.elsewhere(&format!("src/pump{number}.rs"), text);
    }
    // Put anew, its definitions come last.
    let pump = workspace.index.find(0, "src/pump.rs").unwrap();
    let text = workspace.texts[&pump].clone();
    let snapshot = Document::open(Language::Rust, 0, &text).snapshot();
    workspace.index.put(0, "src/pump.rs", Default::default(), pilotlight_syntax::index::facts(&snapshot));
    let beside = workspace.plan(&ember::FAMILY, 1000, None);
    assert!(!beside.display().contains("SecretEngine"), "{}", beside.display());
    assert_eq!(beside.display(), alone.display());
}

#[test]
fn qwen_reads_other_files_by_its_repository_form() {
    let display = Workspace::new(SHOP).plan(&qwen::FAMILY, 200, None).display();
    assert!(display.starts_with("<|repo_name|>w\n<|file_sep|>src/"), "{display}");
    assert!(display.contains("pub struct Cart"), "{display}");
    let (_, own) = display.rsplit_once("<|file_sep|>").unwrap();
    assert!(own.starts_with("src/shop.rs\n<|fim_prefix|>use crate::cart::Cart;"), "{display}");
}

#[test]
fn the_same_input_gives_the_same_plan_within_the_budget() {
    for family in FAMILIES {
        for budget in [0, 40, 100, 400] {
            let plans: Vec<Plan> = (0..3).map(|_| Workspace::new(SHOP).plan(family, budget, None)).collect();
            assert_eq!(plans[0], plans[1]);
            assert_eq!(plans[0], plans[2]);
            let spent: usize = plans[0].excerpts.iter().map(|excerpt| excerpt.tokens).sum();
            assert!(spent <= budget, "{} of {budget}", spent);
            assert_eq!(budget == 0 || family.with_excerpts.is_none(), plans[0].excerpts.is_empty());
        }
    }
}

#[test]
fn typing_on_a_line_leaves_the_excerpts_alone() {
    for family in FAMILIES {
        let mut workspace = Workspace::new(SHOP);
        let mut last = workspace.plan(family, 150, None);
        for key in "let sum = cart.total().plus(FORECAST);".chars() {
            workspace.type_text(&key.to_string());
            let planned = workspace.plan(family, 150, Some(&last));
            assert_eq!(planned.excerpts, last.excerpts);
            // All but the last segment are the same (but for a marker that closes the prompt): each keystroke is an append.
            let open = |plan: &Plan| -> Vec<Segment> {
                plan.segments.iter().filter(|segment| segment.id.source != Source::Footer).cloned().collect()
            };
            let (now, old) = (open(&planned), open(&last));
            let (now_last, now_rest) = now.split_last().unwrap();
            let (old_last, old_rest) = old.split_last().unwrap();
            assert_eq!(now_rest, old_rest);
            assert_eq!(now_last.id, old_last.id);
            last = planned;
        }
    }
}

#[test]
fn the_window_is_not_repeated() {
    // The definition that is used stands in the open file, in the window.
    let plan =
        Workspace::new("//- src/a.rs\npub struct Own {\n    field_of_own: u8,\n}\n\nfn user(own: &Own) {\n    $0\n}\n")
            .plan(&ember::FAMILY, 300, None);
    assert_eq!(plan.display().matches("field_of_own").count(), 1, "{}", plan.display());
}

#[test]
fn what_the_person_did_stands_nearest_to_the_cursor() {
    let mut workspace = Workspace::new(SHOP);
    workspace.edits.push(Edit {
        path: "src/price.rs".to_owned(),
        line: 9,
        before: "    pub fn add(self, other: Money) -> Money {\n".to_owned(),
        after: "    pub fn plus(self, other: Money) -> Money {\n".to_owned(),
    });
    let display = workspace.plan(&ember::FAMILY, 400, None).display();
    let (before, after) = display.split_once("<|recent|>").unwrap();
    assert!(before.contains("<|suffix|>"), "{display}");
    assert!(after.starts_with("-    pub fn add(self, other: Money) -> Money {\n+    pub fn plus("), "{display}");
}

/// One secret of its own for each source; none of them is real.
const SECRETS: [&str; 10] = [
    "AKIAIOSFODNN7EXAMPL1",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456782",
    "sk_live_4eC39HqLyjWDarjtT1zdp7d3",
    "AKIAIOSFODNN7EXAMPL4",
    "AKIAIOSFODNN7EXAMPL5",
    "AKIAIOSFODNN7EXAMPL6",
    "AKIAIOSFODNN7EXAMPL7",
    "AKIAIOSFODNN7EXAMPL8",
    "AKIAIOSFODNN7EXAMPL9",
    "pa55word-of-mine",
];

#[test]
fn no_secret_of_any_source_is_in_any_prompt() {
    let fixture = format!(
        r#"
//- src/client.rs
/// Signs with {0}.
pub struct Client {{
    pub base: String,
    pub key: &'static str, // {0}
}}

pub fn connect_client(base: &str) -> Client {{
    let first_key = "{1}";
    Client {{ base: base.into(), key: first_key }}
}}
//- src/user.rs
fn uses_it() {{
    let key = "{2}";
    write_report(key, connect_client("x"));
}}
//- src/report.rs
use crate::client::{{Client, connect_client}};

const BEFORE: &str = "{3}";

pub fn write_report(name: &str) {{
    let client = connect_client("{4}");
    let first_key = "{4}";
    $0
}}

const AFTER: &str = "{5}";
"#,
        SECRETS[0], SECRETS[1], SECRETS[2], SECRETS[3], SECRETS[4], SECRETS[5]
    );
    for family in FAMILIES {
        let mut workspace = Workspace::new(&fixture);
        workspace.edits.push(Edit {
            path: "src/old.rs".to_owned(),
            line: 3,
            before: format!("let key = \"{}\";\n", SECRETS[6]),
            after: "let key = read_key();\n".to_owned(),
        });
        workspace.edits.push(Edit {
            path: "start.sh".to_owned(),
            line: 2,
            before: "run\n".to_owned(),
            after: format!("export DB_PASSWORD={}\nrun\n", SECRETS[9]),
        });
        let viewed =
            Document::open(Language::Rust, 0, &format!("fn seen() {{\n    sign(\"{}\")\n}}\n", SECRETS[7])).snapshot();
        workspace.viewed.push(Place::of("src/seen.rs", viewed.rope(), 1));
        workspace.notes.push(Note { line: 6, message: format!("unused key {}", SECRETS[8]) });
        let mut sources = std::collections::BTreeSet::new();
        let mut check = |plan: &Plan| {
            let prompt = plan.display();
            for secret in SECRETS {
                assert!(!prompt.contains(secret), "{secret} in {prompt}");
                // Nor the half of it.
                assert!(!prompt.contains(&secret[..secret.len() / 2 + 2]), "half of {secret} in {prompt}");
            }
            sources.extend(plan.segments.iter().map(|segment| segment.id.source.name()));
        };
        let mut last = workspace.plan(family, 4000, None);
        check(&last);
        // Typed key by key, from the moment on that it can be told for one; and with the cursor in the middle of it.
        workspace.type_text("let other = \"AKIAIOSFODNN7EXAMPL1");
        for key in ["\"", ";", "\n", "    "] {
            workspace.type_text(key);
            last = workspace.plan(family, 4000, Some(&last));
            check(&last);
        }
        let text = workspace.snapshot.rope().to_string();
        for secret in [SECRETS[3], SECRETS[4], SECRETS[5]] {
            let at = text.find(secret).unwrap();
            for inside in 0..=secret.len() {
                workspace.cursor = at + inside;
                check(&workspace.plan(family, 4000, None));
            }
        }
        // Every source that has something to say had a secret planted.
        let of_others = ["definition", "usage", "edit", "viewed", "diagnostic"];
        let of_others = of_others.iter().filter(|_| family.with_excerpts.is_some());
        for source in of_others.chain(&["prefix", "suffix"]) {
            // The imported module has its definitions with it.
            let source = if sources.contains("module") && *source == "definition" { &"module" } else { source };
            assert!(sources.contains(*source), "{}: {source} is not in {sources:?}", family.name);
        }
    }
}
