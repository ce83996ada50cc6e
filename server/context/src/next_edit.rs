//! Next-edit models: they read what a person changed lately and a region of lines around the cursor, and write that region anew. One file a form.
//!
//! The forms are those that the models were trained on; a model asked in another form says nothing of worth. Their marks are special tokens in some vocabularies and plain text in others: a
//! [`Piece::Marker`] is the token where there is one, else its text.

pub mod ember;
pub mod sweep;
pub mod zeta;
pub mod zeta_1;

use crate::{Piece, sources::Edit};

/// What a model is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The file, as prompts name it.
    pub path: &'a str,
    /// Whole lines before the region, as many as there is room for.
    pub before: &'a str,
    /// The file begins with them.
    pub from_start: bool,
    /// Whole lines: what is to be written anew.
    pub region: &'a str,
    /// Where the person is: a byte of the region.
    pub cursor: usize,
    /// Whole lines behind the region.
    pub after: &'a str,
    /// The region as it was before the last change in it.
    pub earlier: &'a str,
    /// What was changed lately, oldest first.
    pub edits: &'a [Edit],
}

/// One form.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// As settings name it.
    pub name: &'static str,
    /// Parts of names of the models that were trained on it, in lower case; none where only the model's file can say so.
    pub models: &'static [&'static str],
    /// Special tokens without which a vocabulary is not such a model's.
    pub markers: &'static [&'static str],
    /// Special tokens, or their texts, that end the answer.
    pub stops: &'static [&'static str],
    /// What an answer says last, if it says so in words.
    pub last: Option<&'static str>,
    /// Lines of the region on either side of the cursor's.
    pub reach: usize,
    /// The prompt.
    pub layout: fn(&Asked<'_>) -> Vec<Piece>,
    /// The region as an answer that has ended writes it; `None` where it changes nothing, or is no answer of this form.
    pub read: fn(answer: &str) -> Option<String>,
}

impl Form {
    /// Every special token that a prompt may have or an answer may end with.
    pub fn tokens(&self) -> impl Iterator<Item = &'static str> {
        self.markers.iter().chain(self.stops).copied()
    }
}

/// Every form known here.
pub static FORMS: &[Form] = &[sweep::FORM, zeta::ZETA_2_1, zeta::ZETA_2, zeta_1::FORM, ember::FORM];

/// The form that a setting names, or with `auto` the one that a model was trained on: as its file tells, else by its name.
pub fn form(setting: &str, model: &str, told: Option<&str>) -> Option<&'static Form> {
    let model = model.to_lowercase();
    FORMS.iter().find(|form| match (setting, told) {
        ("auto", Some(told)) => form.name == told,
        ("auto", None) => form.models.iter().any(|name| model.contains(name)),
        (named, _) => form.name == named,
    })
}

/// Appends to the last piece where that is text.
fn push(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// With a line's end at its end.
fn push_lines(pieces: &mut Vec<Piece>, text: &str) {
    push(pieces, text);
    if !text.is_empty() && !text.ends_with('\n') {
        push(pieces, "\n");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const EDITS: [Edit; 0] = [];

    /// The prompt as a person can read it.
    fn shown(form: &Form, asked: &Asked<'_>) -> String {
        let text = |piece: Piece| match piece {
            Piece::Marker(name) => name.to_owned(),
            Piece::Text(text) => text,
        };
        (form.layout)(asked).into_iter().map(text).collect()
    }

    #[test]
    fn prompts_have_the_forms_that_the_models_know() {
        let edits =
            [Edit { path: "src/a.rs".into(), line: 2, before: "let a = 1;\n".into(), after: "let a = 2;\n".into() }];
        let asked = Asked {
            path: "src/a.rs",
            before: "fn f() {\n",
            from_start: true,
            region: "let a = 2;\nlet b = a;\n",
            cursor: 9,
            after: "}\n",
            earlier: "let a = 1;\nlet b = a;\n",
            edits: &edits,
        };
        let sweep = "<|file_sep|>src/a.rs\nfn f() {\nlet a = 2;\nlet b = a;\n}\n\
            <|file_sep|>src/a.rs.diff\noriginal:\nlet a = 1;\nupdated:\nlet a = 2;\n\
            <|file_sep|>original/src/a.rs\nlet a = 1;\nlet b = a;\n\
            <|file_sep|>current/src/a.rs\nlet a = 2;\nlet b = a;\n\
            <|file_sep|>updated/src/a.rs\n";
        assert_eq!(shown(&sweep::FORM, &asked), sweep);
        let history = "<[fim-suffix]>\n}\n<[fim-prefix]><filename>edit_history\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -3,1 +3,1 @@\n-let a = 1;\n+let a = 2;\n<filename>src/a.rs\nfn f() {\n";
        let zeta_2 = "<<<<<<< CURRENT\nlet a = 2<|user_cursor|>;\nlet b = a;\n=======\n<[fim-middle]>";
        assert_eq!(shown(&zeta::ZETA_2, &asked), history.to_owned() + zeta_2);
        let zeta_2_1 = "<|marker_1|>let a = 2<|user_cursor|>;\nlet b = a;\n<|marker_2|>\n<[fim-middle]>";
        assert_eq!(shown(&zeta::ZETA_2_1, &asked), history.to_owned() + zeta_2_1);
        let zeta_1 = "\n\n### User Edits:\n\nUser edited \"src/a.rs\":\n```diff\n@@ -3,1 +3,1 @@\n-let a = 1;\n+let a = 2;\n```\n\n\
            ### User Excerpt:\n\n```src/a.rs\n<|start_of_file|>\nfn f() {\n<|editable_region_start|>\n\
            let a = 2<|user_cursor_is_here|>;\nlet b = a;\n<|editable_region_end|>\n}\n```\n\n### Response:\n\n";
        let prompt = shown(&zeta_1::FORM, &asked);
        assert!(prompt.starts_with("### Instruction:\n") && prompt.ends_with(zeta_1), "{prompt}");
        let later = shown(&zeta_1::FORM, &Asked { from_start: false, ..asked });
        assert!(later.contains("```src/a.rs\nfn f() {"), "{later}");
        // As `server/ember/train/samples.py` cuts them.
        let ember = "<|file|>src/a.rs\n<|suffix|>}\n<|edits|>src/a.rs\n-let a = 1;\n+let a = 2;\n<|prefix|>fn f() {\n\
            <|region|>let a = 2<|cursor|>;\nlet b = a;\n<|endregion|><|next|>";
        assert_eq!(shown(&ember::FORM, &asked), ember);
    }

    #[test]
    fn a_file_that_does_not_end_its_last_line_is_laid_out_in_lines() {
        let asked = Asked {
            path: "a",
            before: "",
            from_start: true,
            region: "x",
            cursor: 1,
            after: "",
            earlier: "x",
            edits: &EDITS,
        };
        for form in FORMS {
            let prompt = shown(form, &asked);
            for mark in ["<|file_sep|>", "=======", "<|editable_region_end|>", "<|endregion|>"] {
                assert!(!prompt.contains(&format!("x{mark}")), "{prompt}");
            }
        }
    }

    #[test]
    fn answers_are_read_strictly() {
        let read = |form: &Form, answer: &str| (form.read)(answer);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(&sweep::FORM, "let a = 2;\n"), some("let a = 2;\n"));
        assert_eq!(read(&sweep::FORM, ""), None);
        assert_eq!(read(&zeta::ZETA_2, "let a = 2;\n>>>>>>> UPDATED\n"), some("let a = 2;\n"));
        assert_eq!(read(&zeta::ZETA_2, "a<|user_cursor|>b\n>>>>>>> UPDATED"), some("ab\n"));
        assert_eq!(read(&zeta::ZETA_2, "NO_EDITS\n>>>>>>> UPDATED\n"), None);
        assert_eq!(read(&zeta::ZETA_2_1, "<|marker_1|>a\n<|marker_2|>"), some("a\n"));
        assert_eq!(read(&zeta::ZETA_2_1, "<|marker_1|>\na\n<|marker_2|>"), some("a\n"));
        for nothing in ["<|marker_1|><|marker_1|>", "<|marker_1|>a\n", "a\n<|marker_2|>", "NO_EDITS", ""] {
            assert_eq!(read(&zeta::ZETA_2_1, nothing), None, "{nothing}");
        }
        let answer =
            |inside: &str| format!("```src/a.rs\n<|editable_region_start|>\n{inside}<|editable_region_end|>\n```\n");
        assert_eq!(read(&zeta_1::FORM, &answer("a<|user_cursor_is_here|>b\n")), some("ab\n"));
        for nothing in ["a\n<|editable_region_end|>", "<|editable_region_start|>\na\n", &answer(""), ""] {
            assert_eq!(read(&zeta_1::FORM, nothing), None, "{nothing}");
        }
        assert_eq!((read(&ember::FORM, "a\n"), read(&ember::FORM, "")), (some("a\n"), None));
    }

    #[test]
    fn a_form_is_known_by_the_models_name_or_named() {
        let name = |setting, model| form(setting, model, None).map(|form| form.name);
        assert_eq!(name("auto", "Sweep-Next-Edit-1.5B.Q8_0"), Some("sweep"));
        assert_eq!(name("auto", "zed-industries_zeta-2.1-Q4_K_M"), Some("zeta-2.1"));
        assert_eq!(name("auto", "zeta-2"), Some("zeta-2"));
        assert_eq!(name("auto", "zed-industries_zeta.Q4_K_M"), Some("zeta-1"));
        assert_eq!(name("auto", "Qwen2.5-Coder-1.5B"), None);
        // The name of ember says nothing of what it was trained on: its file does.
        assert_eq!(name("auto", "ember"), None);
        let told = |told| form("auto", "ember", Some(told)).map(|form| form.name);
        assert_eq!((told("ember"), told("unheard of")), (Some("ember"), None));
        assert_eq!(form("off", "ember", Some("ember")).map(|form| form.name), None);
        assert_eq!(name("zeta-2.1", "anything"), Some("zeta-2.1"));
        assert_eq!(name("off", "zeta-2"), None);
    }
}
