//! A prompt of token ids written out again for a server: text, and special tokens by name.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::Failure;
use crate::Tokenizer;

/// Behind this marker stands what is before the cursor, where the server writes the prompt from two parts.
pub const PREFIX_PART: &str = "<prefix part>";
/// Behind this one, what is after it.
pub const SUFFIX_PART: &str = "<suffix part>";

/// Behind these stand the messages of a conversation, whose prompt the server writes.
pub(crate) const SYSTEM_PART: &str = "<system part>";
pub(crate) const USER_PART: &str = "<user part>";
pub(crate) const ASSISTANT_PART: &str = "<assistant part>";

/// A stretch of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Text, which is to stay text.
    Text(String),
    /// A special token.
    Special(&'a str),
}

/// What a vocabulary's ids stand for.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) tokenizer: &'a Tokenizer,
    /// [`Tokenizer::special_names`].
    pub(crate) names: &'a HashMap<u32, String>,
}

impl<'a> Writer<'a> {
    /// The prompt in parts; no text is empty and no two stand side by side.
    pub(crate) fn parts(&self, ids: &[u32]) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut text = Vec::new();
        let close = |text: &mut Vec<u8>, parts: &mut Vec<Part<'a>>| {
            if !text.is_empty() {
                // Chunks of text end at characters: nothing is lost.
                parts.push(Part::Text(String::from_utf8_lossy(text).into_owned()));
                text.clear();
            }
        };
        for id in ids {
            match self.names.get(id) {
                Some(name) => {
                    close(&mut text, &mut parts);
                    parts.push(Part::Special(name));
                }
                None => text.extend_from_slice(self.tokenizer.bytes(*id)),
            }
        }
        close(&mut text, &mut parts);
        parts
    }
}

/// Prefix and suffix, of a prompt that has nothing else.
pub(crate) fn two_sides(parts: &[Part<'_>]) -> Result<(String, String), Failure> {
    let (mut prefix, mut suffix) = (String::new(), String::new());
    let mut side = &mut prefix;
    for part in parts {
        match part {
            Part::Special(PREFIX_PART) => side = &mut prefix,
            Part::Special(SUFFIX_PART) => side = &mut suffix,
            Part::Special(name) => {
                return Err(Failure::other(format!(
                    "the prompt has the marker {name}: expected a prefix and a suffix"
                )));
            }
            Part::Text(text) => side.push_str(text),
        }
    }
    Ok((prefix, suffix))
}

/// What special tokens are spelled like, in any family's vocabulary.
static LOOK_ALIKE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let forms = [
        r"<\|[^|<>\s]{1,48}\|>",
        r"<｜[^｜<>\s]{1,48}｜>",
        r"<\[[^\[\]\s]{1,48}\]>",
        r"</?(?:s|unk|pad|mask|bos|eos|EOT|PRE|SUF|MID|filename|reponame|repo_name|think|tool_call|tool_response|start_of_turn|end_of_turn)>",
        r"<(?:fim|file|gh|issue|jupyter|commit|pr|code|empty|unused|extra_id)_?[a-z0-9_]*>",
        r"\[/?[A-Z][A-Z_]{2,}\]",
    ];
    Regex::new(&forms.join("|")).ok()
});

/// Where each spelled-out special token of `text` begins, those of `names` among them.
fn look_alikes(text: &str, names: &HashMap<u32, String>) -> Vec<usize> {
    let formed = LOOK_ALIKE.iter().flat_map(|form| form.find_iter(text)).map(|found| found.start());
    let named = names.values().flat_map(|name| text.match_indices(name.as_str())).map(|(at, _)| at);
    let mut starts: Vec<usize> = formed.chain(named).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// `text` in pieces, none of which spells a special token: for servers that tokenise each by itself, and take a spelled one for the token.
pub(crate) fn disjoined<'t>(text: &'t str, names: &HashMap<u32, String>) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for start in look_alikes(text, names) {
        let cut = start + text[start..].chars().next().map_or(0, char::len_utf8);
        pieces.push(&text[from..cut]);
        from = cut;
    }
    pieces.push(&text[from..]);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// The same for servers that take one text: a blank stands in each spelled-out token, in the prompt alone.
pub(crate) fn defused<'t>(text: &'t str, names: &HashMap<u32, String>) -> Cow<'t, str> {
    match disjoined(text, names) {
        pieces if pieces.len() < 2 => Cow::Borrowed(text),
        pieces => Cow::Owned(pieces.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> HashMap<u32, String> {
        HashMap::from([(1, "<odd one>".to_owned())])
    }

    #[test]
    fn ids_are_text_between_markers_again() {
        let tokenizer = Tokenizer::of_bytes(["<a>".to_owned(), "<b>".to_owned()]);
        let names = tokenizer.special_names();
        let (a, b) = (tokenizer.special("<a>"), tokenizer.special("<b>"));
        let ids: Vec<u32> =
            a.into_iter().chain(tokenizer.encode("né ")).chain(tokenizer.encode("<a>日")).chain(b).collect();
        let parts = Writer { tokenizer: &tokenizer, names: &names }.parts(&ids);
        assert_eq!(parts, [Part::Special("<a>"), Part::Text("né <a>日".to_owned()), Part::Special("<b>")]);
    }

    #[test]
    fn what_spells_a_token_is_taken_apart_and_nothing_else() {
        for text in [
            "fn f<T>(v: Vec<u8>) -> &'a str",
            "if a < b || c > d {",
            "x[i][J] = [A]",
            "<div></div>",
            "#[derive(Debug)]",
        ] {
            assert_eq!(disjoined(text, &names()), [text]);
        }
        for (text, pieces) in [
            ("a <|fim_prefix|>b", &["a <", "|fim_prefix|>b"][..]),
            ("<｜fim▁begin｜>", &["<", "｜fim▁begin｜>"]),
            ("</s>[INST]", &["<", "/s>[", "INST]"]),
            ("<fim_suffix><odd one>", &["<", "fim_suffix><", "odd one>"]),
            ("<[fim-middle]>", &["<", "[fim-middle]>"]),
        ] {
            assert_eq!(disjoined(text, &names()), pieces);
            assert_eq!(disjoined(text, &names()).concat(), text);
            assert!(look_alikes(&defused(text, &names()), &names()).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_prompt_of_two_sides_is_told_from_others() {
        let text = |text: &str| Part::Text(text.to_owned());
        let parts = [Part::Special(SUFFIX_PART), text("s"), Part::Special(PREFIX_PART), text("p")];
        assert_eq!(two_sides(&parts), Ok(("p".to_owned(), "s".to_owned())));
        assert!(two_sides(&[Part::Special("<x>")]).is_err());
    }
}
