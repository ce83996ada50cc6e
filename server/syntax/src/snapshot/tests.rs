//! What a state does where there is no time, and where there is no part.

use super::*;

/// Whatever is parsed for it: a text of so many lines without an item has no part.
#[test]
fn a_trial_has_the_time_of_a_trial_without_a_part_too() {
    let text = format!("fn all() {{\n{}}}\n", "    call(1, 2, 3);\n".repeat(4000));
    let snapshot = Snapshot::new(State::new(Language::Rust, 0, &text));
    assert_eq!(snapshot.state().deadline(), Document::OPEN_DEADLINE);
    assert!(snapshot.tree().is_some());
    assert_eq!(snapshot.state().next().deadline(), Document::EDIT_DEADLINE);
    let here = snapshot.around(text.len() / 2);
    assert!(!here.state().only_part);
    let trial = here.with_replaced(text.len() / 2..text.len() / 2, "(");
    assert_eq!(trial.state().deadline(), Document::TRIAL_DEADLINE);
    assert_eq!(trial.with_replaced(0..0, "x").state().deadline(), Document::TRIAL_DEADLINE);
}

/// A parse that never has the time: what `State::parse` does about it, edit by edit.
#[test]
fn a_parse_that_ran_out_of_time_is_tried_again_ever_more_rarely() {
    let mut state = State::new(Language::Rust, 0, &"fn a() {}\n".repeat(2000));
    let mut tried = Vec::new();
    for revision in 0..40 {
        state.revision = revision;
        if revision >= state.retry_from {
            tried.push(revision);
            state.tree = OnceLock::from(state.parse(Duration::ZERO));
        }
        assert!(state.tree().is_none());
        state = state.next();
    }
    assert_eq!(tried, [0, 1, 3, 7, 15, 31]);
    // Not before its turn, and from then on as ever.
    assert!(state.tree().is_none());
    state = state.next();
    state.revision = state.retry_from;
    assert_eq!(state.tree().map(|tree| tree.root_node().named_child_count()), Some(2000));
    assert_eq!(state.next().timeouts, 0);
}
