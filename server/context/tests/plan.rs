//! The plan of one file: layouts as text, budgets, and what a keystroke leaves alone.
#![allow(clippy::unwrap_used)]

use insta::assert_snapshot;
use pilotlight_context::{
    Anchor, Budget, Family, Input, Piece, Plan, Source, TokenCounter,
    family::{FAMILIES, ember, qwen},
    plan,
};
use pilotlight_syntax::{Document, Language};
use proptest::prelude::*;

/// Four bytes a token: close enough to a real tokenizer to exercise budgets.
struct Quarters;

impl TokenCounter for Quarters {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

/// Plans at `$0` in `text`.
fn plan_at(family: &Family, text: &str, budget: Budget, anchor: Option<&Anchor>) -> Plan {
    let cursor = text.find("$0").unwrap();
    let snapshot = Document::open(Language::Rust, 0, &text.replacen("$0", "", 1)).snapshot();
    plan(family, Input { path: "src/a.rs", snapshot: &snapshot, cursor, anchor }, budget, &Quarters)
}

const WIDE: Budget = Budget { prefix: 1000, suffix: 1000 };

#[test]
fn ember_reads_the_suffix_first_and_ends_with_the_prefix() {
    assert_snapshot!(plan_at(&ember::FAMILY, "fn a() {\n    b($0);\n}\n", WIDE, None).display(), @r"
    <|bos|><|file|>src/a.rs
    <|suffix|>
    }
    <|prefix|>fn a() {
        b(
    ");
}

#[test]
fn qwen_reads_the_prefix_first_and_ends_with_the_middle() {
    assert_snapshot!(plan_at(&qwen::FAMILY, "fn a() {\n    b($0);\n}\n", WIDE, None).display(), @r"
    <|fim_prefix|>fn a() {
    <|fim_suffix|>
    }
    <|fim_middle|>    b(
    ");
}

#[test]
fn typing_stays_behind_the_anchor_until_something_else_changes() {
    let at = |text: &str, anchor: Option<&Anchor>| plan_at(&qwen::FAMILY, text, WIDE, anchor);
    let first = at("fn a() {\n    b$0\n}\n", None);
    let line = at("fn a() {\n    b();\n    c$0\n}\n", Some(&first.anchor));
    assert_eq!(line.segments.split_last().unwrap().1, first.segments.split_last().unwrap().1);
    assert!(line.display().ends_with("<|fim_middle|>    b();\n    c"), "{}", line.display());
    // An edit above or below, or a jump back, is another anchor.
    for moved in
        ["fn aa() {\n    b();\n    c$0\n}\n", "fn a() {\n    b();\n    c$0\n}}\n", "fn a($0) {\n    b();\n    c\n}\n"]
    {
        let plan = at(moved, Some(&line.anchor));
        assert_ne!(plan.anchor, line.anchor, "{moved}");
        assert!(!plan.display().contains("<|fim_middle|>    b();"), "{}", plan.display());
    }
    // So is too much of it.
    let long = at(&format!("fn a() {{\n    b();\n    {}c$0\n}}\n", "x();\n".repeat(300)), Some(&line.anchor));
    assert!(long.display().ends_with("<|fim_middle|>c"), "{}", long.display());
}

#[test]
fn code_right_of_the_cursor_enters_the_suffix_and_closers_do_not() {
    let suffix = |text| {
        let plan = plan_at(&ember::FAMILY, text, WIDE, None);
        let side = plan.segments.iter().filter(|segment| segment.id.source == Source::Suffix);
        side.flat_map(|segment| &segment.pieces)
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Marker(_) => None,
            })
            .collect::<String>()
    };
    assert_eq!(suffix("f($0);\ng();\n"), "\ng();\n");
    assert_eq!(suffix("f($0, x);\ng();\n"), ", x);\ng();\n");
    assert_eq!(suffix("f($0)"), "");
}

#[test]
fn the_suffix_is_kept_while_it_still_follows() {
    let suffix = |text: &str, last: Option<&Plan>| {
        let plan = plan_at(&ember::FAMILY, text, WIDE, last.map(|plan| &plan.anchor));
        let text = plan.anchor.window.suffix.iter().map(|chunk| chunk.text.as_str()).collect::<String>();
        (text, plan)
    };
    let (whole, first) = suffix("a$0\n\nb();\n", None);
    assert_eq!(whole, "\n\nb();\n");
    // Down to the blank line, where a suffix would begin later; and back, where it would begin earlier.
    let (kept, second) = suffix("a\n$0\nb();\n", Some(&first));
    assert_eq!(kept, "\nb();\n");
    assert_eq!(suffix("a$0\n\nb();\n", Some(&second)).0, "\nb();\n");
    // The rest of the line was code and is now only what closes: it stays where it is.
    let (code, inside) = suffix("f($0, x);\ng();\n", None);
    assert_eq!(code, ", x);\ng();\n");
    assert_eq!(suffix("f(, x$0);\ng();\n", Some(&inside)).0, "\ng();\n");
    let (_, closers) = suffix("f(x$0 y)\ng();\n", None);
    assert_eq!(suffix("f(x)$0)\ng();\n", Some(&closers)).0, "\ng();\n");
    // What is not blank is never passed over, nor is a suffix kept that the document has no more.
    assert_eq!(suffix("a$0\nnew();\n\nb();\n", Some(&second)).0, "\nnew();\n\nb();\n");
    assert_eq!(suffix("a$0\n\nc();\n", Some(&second)).0, "\n\nc();\n");
    let (nothing, end) = suffix("a$0", None);
    assert_eq!(nothing, "");
    assert_eq!(suffix("a$0\nb", Some(&end)).0, "\nb");
}

#[test]
fn text_that_spells_a_marker_stays_text() {
    let plan = plan_at(&ember::FAMILY, "// <|prefix|> <|fim_middle|>\n$0", WIDE, None);
    let spelled =
        plan.pieces().filter(|piece| matches!(piece, Piece::Text(text) if text.contains("<|prefix|>"))).count();
    let markers = plan.pieces().filter(|piece| **piece == Piece::Marker("<|prefix|>")).count();
    assert_eq!((spelled, markers), (1, 1));
}

#[test]
fn a_line_longer_than_the_budget_is_cut_next_to_the_cursor() {
    let text = format!("{}END$0", "x".repeat(10_000));
    let plan = plan_at(&ember::FAMILY, &text, Budget { prefix: 100, suffix: 100 }, None);
    let Some(Piece::Text(prefix)) = plan.pieces().last() else { panic!("{plan:?}") };
    assert!(prefix.ends_with("xEND") && prefix.len() <= 400, "{} bytes", prefix.len());
}

/// Counts as [`Quarters`] do, and remembers the longest text.
#[derive(Default)]
struct Longest(std::sync::atomic::AtomicUsize);

impl TokenCounter for Longest {
    fn count(&self, text: &str) -> usize {
        self.0.fetch_max(text.len(), std::sync::atomic::Ordering::Relaxed);
        Quarters.count(text)
    }
}

#[test]
fn long_lines_are_cut_before_they_are_counted() {
    let text = format!("{}\n", "é".repeat(50_000)).repeat(40);
    let snapshot = Document::open(Language::Plain, 0, &text).snapshot();
    let budget = Budget { prefix: 400, suffix: 100 };
    // At a line's end, in the middle of one, and at its beginning.
    for cursor in [100_001 * 20 - 1, 100_001 * 20 + 50_000, 100_001 * 20] {
        for family in FAMILIES {
            let longest = Longest::default();
            let input = Input { path: "a", snapshot: &snapshot, cursor, anchor: None };
            let first = plan(family, input, budget, &longest);
            plan(family, Input { anchor: Some(&first.anchor), ..input }, budget, &longest);
            let window = &first.anchor.window;
            let before: String = window.prefix.iter().map(|chunk| chunk.text.as_str()).collect();
            assert!(text[..first.anchor.at].ends_with(&before) && before.len() <= 1600, "{}", family.name);
            assert!(!before.is_empty() || first.anchor.at != cursor, "{}", family.name);
            let longest = longest.0.into_inner();
            assert!(longest <= 16 * 400, "{longest} bytes were counted for {}", family.name);
        }
    }
}

#[test]
fn no_family_is_guessed() {
    let qwen = Family::detect(|marker| {
        marker.contains("fim_") || matches!(marker, "<|endoftext|>" | "<|repo_name|>" | "<|file_sep|>")
    });
    assert_eq!(qwen.unwrap().name, "qwen2.5-coder");
    let error = Family::detect(|marker| marker == "<|fim_prefix|>").unwrap_err().to_string();
    assert!(error.contains("ember needs <|bos|>") && error.contains("qwen2.5-coder needs <|fim_suffix|>"), "{error}");
}

/// Lines of a made-up file: blank ones, indented ones, long ones.
fn file() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![Just(String::new()), Just("    ".to_owned()), "[ ]{0,8}[a-zé(){};]{1,60}"];
    prop::collection::vec(line, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the file, cursor and budget: the sides are the file's text next to the cursor, within the budget.
    #[test]
    fn windows_are_the_text_around_the_cursor(lines in file(), at in 0.0..1.0f64, prefix in 8usize..2000, suffix in 8usize..500) {
        let text = lines.join("\n");
        let mut cursor = (text.len() as f64 * at) as usize;
        while !text.is_char_boundary(cursor) { cursor -= 1; }
        let snapshot = Document::open(Language::Plain, 0, &text).snapshot();
        for family in FAMILIES {
            let input = Input { path: "a", snapshot: &snapshot, cursor, anchor: None };
            let plan = plan(family, input, Budget { prefix, suffix }, &Quarters);
            let side = |source: Source| -> String {
                plan.segments.iter().filter(|segment| segment.id.source == source).flat_map(|segment| &segment.pieces)
                    .filter_map(|piece| match piece { Piece::Text(text) => Some(text.as_str()), Piece::Marker(_) => None }).collect()
            };
            let (mut before, after, typed) = (side(Source::Prefix), side(Source::Suffix), side(Source::Typed));
            if family.name == "codellama" && !before.is_empty() {
                before.remove(0); // The space that SentencePiece puts before a text.
            }
            let left = before.clone() + &typed;
            prop_assert!(text[..cursor].ends_with(&left));
            prop_assert!(text[cursor..].contains(&after) || after.is_empty());
            // Chunks are counted one by one, each rounded up.
            prop_assert!(before.len() <= prefix * 4 && after.len() <= suffix * 4);
        }
    }

    /// Typing on a line leaves every segment but the last as it was, until the window has to move; and then it moves rarely.
    #[test]
    fn typing_appends(lines in file(), typed in "[a-z ]{1,16}") {
        let text = lines.join("\n");
        let budget = Budget { prefix: 300, suffix: 60 };
        let mut anchor = None;
        let mut last: Option<Plan> = None;
        let mut moved = 0;
        for end in 1..=typed.len() {
            let now = format!("{text}\n{}$0\nend();\n", &typed[..end]);
            let plan = plan_at(&ember::FAMILY, &now, budget, anchor.as_ref());
            anchor = Some(plan.anchor.clone());
            if let Some(last) = last {
                let same = last.segments.len() == plan.segments.len() && last.segments[..last.segments.len() - 1] == plan.segments[..plan.segments.len() - 1];
                moved += usize::from(!same);
            }
            last = Some(plan);
        }
        prop_assert!(moved <= 2, "the window moved {moved} times in {} keystrokes", typed.len());
    }
}

#[test]
fn a_secret_is_masked_wherever_a_long_line_is_cut() {
    // Nothing in the value by itself says what it is.
    let password = "correct horse battery staple, and so on";
    for family in [&ember::FAMILY, &qwen::FAMILY] {
        for shift in 0..200 {
            let before = "x".repeat(2000 + shift);
            let text =
                format!("{{\"a\": \"{before}\", \"password\": \"{password}\", \"b\": \"{}\"}}\n$0", "y".repeat(2000));
            let shown = plan_at(family, &text, Budget { prefix: 520, suffix: 100 }, None).display();
            let told = (0..password.len() - 3).find(|&at| shown.contains(&password[at..at + 4]));
            assert_eq!(told, None, "{} {shift}: {}", family.name, &shown[..200]);
        }
    }
}
