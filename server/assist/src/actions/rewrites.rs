//! Rewrites: lines that say the same, or what they are told to say, in other words.

use pilotlight_syntax::{Language, OccasionKind};

use super::{Action, Answer, How, Place, When};

/// See the module.
pub(super) static ACTIONS: [Action; 4] = [
    Action {
        id: "rewrite",
        title: "Rewrite {} by an instruction…",
        when: When::Selection,
        how: How::Instructed(Answer::Lines { keeps: false }),
    },
    Action {
        id: "simplify",
        title: "Simplify {}",
        when: When::Selection,
        how: How::Ask(
            |_| {
                Some("Simplify these lines: fewer and plainer statements that do exactly the same, errors and edge cases included.".to_owned())
            },
            Answer::Lines { keeps: true },
        ),
    },
    Action {
        id: "convert-loop",
        title: "Say this loop without a loop",
        when: When::On { kind: OccasionKind::Loop, place: Place::Head, which: |_, _| true },
        how: How::Ask(
            |language| {
                let form = match language {
                    Language::Rust => "iterator adaptors",
                    Language::Python => "a comprehension or a generator expression",
                    Language::JavaScript | Language::TypeScript | Language::Tsx => {
                        "array methods (map, filter, reduce)"
                    }
                    Language::Java => "streams",
                    _ => return None,
                };
                Some(format!("Say the loop with {form}, where that does exactly the same; leave all else as it is."))
            },
            Answer::Lines { keeps: true },
        ),
    },
    Action {
        id: "convert-callback",
        title: "Say this callback with async and await",
        when: When::On { kind: OccasionKind::Callback, place: Place::Head, which: |_, _| true },
        how: How::Ask(
            |_| {
                Some("Say the callback with async and await; leave all else as it is, what is caught and thrown included.".to_owned())
            },
            Answer::Lines { keeps: true },
        ),
    },
];
