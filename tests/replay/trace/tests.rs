//! Whatever is suggested, the session ends with the files as they were, and it is the same session each time.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use super::{typist::Typist, *};
use crate::editor::{Edit, Editor, Key, Style};

/// Sources of this repository and fixtures in the other languages: the property does not depend on what they say.
fn files() -> Vec<(String, String)> {
    let own = ["../server/assist/src/assistant.rs", "replay/editor.rs", "replay/trace.rs", "replay/trace/typist.rs"];
    let fixtures = ["fixture.py", "fixture.ts", "fixture.go"].map(|name| format!("replay/trace/fixtures/{name}"));
    own.map(str::to_owned)
        .into_iter()
        .chain(fixtures)
        .map(|path| {
            let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
            (path, text)
        })
        .collect()
}

/// Plays a session; `suggest` is given a document's text, what it is to become, and the cursor.
fn play(session: &Session, suggest: impl Fn(&str, &str, usize) -> Option<Edit>) -> (Vec<String>, Vec<Key>) {
    let mut editors: Vec<Editor> = session
        .drafts
        .iter()
        .map(|draft| Editor::open(draft.opened(), Style::of(draft.path.rsplit('.').next().unwrap())))
        .collect();
    let mut mirrors: Vec<String> = session.drafts.iter().map(Draft::opened).collect();
    let finished: Vec<String> = session.drafts.iter().map(Draft::finished).collect();
    let mut typist = Typist::new(session);
    let mut keys = Vec::new();
    let most = 40 * finished.iter().map(String::len).sum::<usize>();
    let mut document = 0;
    loop {
        let ghost = suggest(editors[document].text(), &finished[document], editors[document].cursor());
        let Some(action) = typist.next(&editors, ghost.as_ref()) else { break };
        document = action.document;
        for edit in editors[action.document].press(&action.key) {
            mirrors[action.document].replace_range(edit.range, &edit.text);
        }
        assert_eq!(mirrors[action.document], editors[action.document].text());
        keys.push(action.key);
        assert!(keys.len() < most, "the typist goes round in circles: {:?}", &keys[keys.len() - 40..]);
    }
    (mirrors, keys)
}

fn count(keys: &[Key], wanted: impl Fn(&Key) -> bool) -> usize {
    keys.iter().filter(|key| wanted(key)).count()
}

/// What comes next in the finished text, as far as a line: right wherever the hole is typed in order.
fn oracle(text: &str, finished: &str, cursor: usize) -> Option<Edit> {
    let before = &text[text[..cursor].char_indices().rev().nth(24).map_or(0, |(at, _)| at)..cursor];
    let at = finished.find(before)? + before.len();
    let line = finished[at..].split_inclusive('\n').take(2).collect::<String>();
    Some(Edit { range: cursor..cursor, text: line.trim_end().to_owned() }).filter(|edit| !edit.text.is_empty())
}

#[test]
fn every_session_ends_with_the_sources() {
    let files = files();
    for seed in 0..4 {
        for session in Session::all(&files, seed) {
            let wanted: Vec<String> = session.drafts.iter().map(Draft::finished).collect();
            for draft in &session.drafts {
                let (_, source) = files.iter().find(|(path, _)| *path == draft.path).unwrap();
                assert_eq!(draft.finished(), *source);
            }
            let (alone, keys) = play(&session, |_, _, _| None);
            assert_eq!(alone, wanted, "seed {seed}, without suggestions");
            assert_eq!(play(&session, |_, _, _| None).1, keys, "the same session is typed alike");
            let (helped, fewer) = play(&session, oracle);
            assert_eq!(helped, wanted, "seed {seed}, with right suggestions");
            assert!(fewer.len() < keys.len(), "suggestions save keys: {} of {}", fewer.len(), keys.len());
            let (misled, _) = play(&session, |_, _, cursor| {
                Some(Edit { range: cursor..cursor, text: "unwrap(); } else {".to_owned() })
            });
            assert_eq!(misled, wanted, "seed {seed}, with nonsense");
        }
    }
}

#[test]
fn everything_that_people_do_occurs() {
    let sessions = Session::all(&files(), 1);
    let keys: Vec<Key> = sessions
        .iter()
        .flat_map(|session| [play(session, oracle).1, play(session, |_, _, _| None).1].concat())
        .collect();
    assert!(count(&keys, |key| matches!(key, Key::Goto(cursors) if cursors.len() > 1)) > 2, "several cursors");
    assert!(count(&keys, |key| matches!(key, Key::Goto(_))) > 40, "jumps");
    assert!(count(&keys, |key| *key == Key::Undo) > 3, "undo");
    assert!(count(&keys, |key| *key == Key::Backspace) > 20, "deletions");
    assert!(count(&keys, |key| matches!(key, Key::Step(_))) > 3, "blocks closed by the editor");
    assert!(count(&keys, |key| matches!(key, Key::Accept(_))) > 40, "accepted text");
    assert!(count(&keys, |key| *key == Key::Save) > 1, "saves");
    assert!(count(&keys, |key| matches!(key, Key::Cut(_))) > 0, "cuts");
}

#[test]
fn a_decision_depends_on_its_place_only() {
    let dice = Dice::new(7);
    let answers: Vec<bool> = (0..64).map(|at| dice.at(at).on("slip").chance(0.5)).collect();
    let backwards: Vec<bool> = (0..64).rev().map(|at| dice.at(at).on("slip").chance(0.5)).collect();
    assert!(answers.iter().eq(backwards.iter().rev()));
    let share = (0..10_000).filter(|&at| dice.at(at).on("slip").chance(0.2)).count();
    assert!((1_800..2_200).contains(&share), "{share} of 10000 at a chance of 0.2");
}
