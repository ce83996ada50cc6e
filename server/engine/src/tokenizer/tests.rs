//! Tests of `tokenizer`.

#![allow(clippy::unwrap_used)]

use std::{path::Path, str::FromStr};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    fixture::{LLAMA, Meta, SPECIAL, SPECIALS, tokenizer_json, vocabulary},
    weights::Dtype,
};

fn from_gguf(pre: &str, change: impl FnOnce(&mut crate::fixture::Gguf)) -> Tokenizer {
    let mut gguf = LLAMA.gguf(Dtype::Q8_0);
    gguf.tensors.clear();
    gguf.set("tokenizer.ggml.pre", Meta::Text(pre.into()));
    change(&mut gguf);
    let bytes: Bytes = gguf.bytes();
    Tokenizer::from_gguf(&crate::weights::gguf::Gguf::parse(Path::new("some.gguf"), &bytes).unwrap()).unwrap()
}

fn from_json() -> Tokenizer {
    Tokenizer::from_json(Path::new("tokenizer.json"), tokenizer_json().to_string().as_bytes()).unwrap()
}

fn decode(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<u8> {
    ids.iter().flat_map(|&id| tokenizer.bytes(id).to_vec()).collect()
}

fn built_in() -> Tokenizer {
    crate::checkpoint::Checkpoint::open(&crate::ModelSource::Ember).unwrap().tokenizer
}

const SOURCE: &str =
    "fn main() {\r\n\tlet naïve = 12345.67; // don't 日本語 🦀\n\n    return\n}\n\n\n  x  =  y'LL \u{0}\u{7f}";

#[test]
fn merges_are_applied_by_rank() {
    let tokenizer = from_json();
    let name = |text: &str| {
        let pieces = tokenizer.encode(text).into_iter().map(|id| decode(&tokenizer, &[id]));
        pieces.map(|bytes| String::from_utf8(bytes).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(name("int"), ["int"]);
    assert_eq!(name("print"), ["p", "r", "int"]);
    assert_eq!(name("return"), ["ret", "u", "r", "n"]);
    assert_eq!(name(" the tree"), [" t", "h", "e", " tre", "e"]);
    // The last space belongs to the word.
    assert_eq!(name("\n      x"), ["\n", "    ", " ", " ", "x"]);
}

#[test]
fn agrees_with_the_whole_crate_on_plain_text() {
    let mut description = tokenizer_json();
    description["added_tokens"] = serde_json::json!([]);
    description["normalizer"] = serde_json::Value::Null;
    let theirs = tokenizers::Tokenizer::from_str(&description.to_string()).unwrap();
    let expected = theirs.encode(SOURCE, false).unwrap().get_ids().to_vec();
    assert_eq!(from_json().encode(SOURCE), expected);
    assert_eq!(from_gguf("qwen2", |_| ()).encode(SOURCE), expected);
}

#[test]
fn text_is_cut_as_each_family_cuts_it() {
    // With a merge for every pair that stands side by side, pieces are what no merge can cross.
    let text = "if x12345 == don't\n\n\tgo();";
    let pieces = |pre: &str| {
        let (wrapper, _) = pre_tokenizer::by_name(Path::new("some.gguf"), pre).unwrap();
        let mut cut = PreTokenizedString::from(text);
        wrapper.pre_tokenize(&mut cut).unwrap();
        let splits = cut.get_splits(OffsetReferential::Original, OffsetType::Byte);
        splits.into_iter().map(|(_, range, _)| &text[range.0..range.1]).collect::<Vec<_>>()
    };
    let qwen2 = ["if", " x", "1", "2", "3", "4", "5", " ==", " don", "'t", "\n\n", "\tgo", "();"];
    assert_eq!(pieces("qwen2"), qwen2);
    assert_eq!(pieces("seed-coder"), qwen2);
    assert_eq!(pieces("llama-bpe"), ["if", " x", "123", "45", " ==", " don", "'t", "\n\n", "\tgo", "();"]);
    assert_eq!(pieces("gpt-2"), ["if", " x", "12345", " ==", " don", "'t", "\n\n", "\t", "go", "();"]);
    assert_eq!(
        pieces("starcoder"),
        ["if", " x", "1", "2", "3", "4", "5", " ==", " don", "'t", "\n\n", "\t", "go", "();"]
    );
    assert_eq!(
        pieces("deepseek-coder"),
        ["if", " x", "1", "2", "3", "4", "5", " ==", " don", "'", "t", "\n", "\n", "\tgo", "();"]
    );
    assert_eq!(pieces("tekken"), ["if", " x", "1", "2", "3", "4", "5", " ==", " don", "'t", "\n\n", "\tgo", "();"]);
}

#[test]
fn markers_in_text_stay_text() {
    let qwen = ["<|endoftext|>", "<|im_start|>", "<|fim_prefix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"];
    let ember = ["<|eot|>", "<|bos|>", "<|file|>", "<|suffix|>", "<|prefix|>", "<|recent|>"];
    let add_qwen = |gguf: &mut crate::fixture::Gguf| {
        let (mut tokens, _) = vocabulary();
        let mut kinds: Vec<i32> = (0..tokens.len()).map(|id| if id < SPECIALS { 3 } else { 1 }).collect();
        // Some converters mark them as control tokens, some as user defined.
        for (i, marker) in qwen.iter().filter(|marker| !SPECIAL.contains(marker)).enumerate() {
            tokens.push((*marker).to_owned());
            kinds.push(if i % 2 == 0 { 3 } else { 4 });
        }
        gguf.set("tokenizer.ggml.tokens", Meta::Texts(tokens));
        gguf.set("tokenizer.ggml.token_type", Meta::I32s(kinds));
    };
    for tokenizer in [
        from_json(),
        from_gguf("qwen2", |_| ()),
        from_gguf("llama-bpe", |_| ()),
        from_gguf("qwen2", add_qwen),
        built_in(),
    ] {
        for marker in qwen.iter().chain(&ember).chain(&SPECIAL) {
            let text = format!("a{marker}b {marker}\n{marker}");
            let ids = tokenizer.encode(&text);
            assert!(!ids.iter().any(|&id| tokenizer.is_special(id)), "{marker}: {ids:?}");
            assert_eq!(decode(&tokenizer, &ids), text.as_bytes());
        }
    }
    let tokenizer = from_gguf("qwen2", add_qwen);
    for marker in qwen.iter().chain(&SPECIAL) {
        let id = tokenizer.special(marker).unwrap();
        assert!(tokenizer.is_special(id) && tokenizer.bytes(id).is_empty());
    }
    assert!(ember.iter().all(|marker| built_in().special(marker).is_some()));
    assert_eq!((tokenizer.special("<|eot|>"), tokenizer.special("int"), tokenizer.special("")), (Some(0), None, None));
}

#[test]
fn not_even_a_merge_makes_a_marker() {
    // A marker that reads like a word, a merge that spells it, and a family that takes whole tokens before merging.
    for pre in ["qwen2", "llama-bpe"] {
        let (tokens, _) = vocabulary();
        let ret = tokens.iter().position(|token| token == "ret").unwrap();
        let tokenizer = from_gguf(pre, |gguf| {
            let kinds = (0..tokens.len()).map(|id| if id < SPECIALS || id == ret { 3 } else { 1 });
            gguf.set("tokenizer.ggml.token_type", Meta::I32s(kinds.collect()));
        });
        assert_eq!(tokenizer.special("ret"), Some(ret as u32));
        let ids = tokenizer.encode("ret");
        assert_eq!((ids.len(), decode(&tokenizer, &ids)), (2, b"ret".to_vec()));
    }
}

#[test]
fn padding_and_ids_out_of_range_are_nothing() {
    let tokenizer = from_gguf("qwen2", |gguf| {
        let (mut tokens, _) = vocabulary();
        let mut kinds: Vec<i32> = (0..tokens.len()).map(|id| if id < SPECIALS { 3 } else { 1 }).collect();
        tokens.extend(["[PAD296]".to_owned(), "      ".to_owned()]);
        kinds.extend([5, 4]);
        gguf.set("tokenizer.ggml.tokens", Meta::Texts(tokens));
        gguf.set("tokenizer.ggml.token_type", Meta::I32s(kinds));
    });
    assert_eq!(tokenizer.vocab_size(), 298);
    assert!(tokenizer.is_special(296) && tokenizer.bytes(296).is_empty());
    // A run of spaces that is "user defined" is text.
    assert!(!tokenizer.is_special(297) && tokenizer.bytes(297) == b"      ");
    for id in [298, u32::MAX] {
        assert!(!tokenizer.is_special(id) && tokenizer.bytes(id).is_empty());
    }
}

#[test]
fn bytes_that_no_text_has_may_be_missing() {
    let without = |missing: &'static [u8]| {
        let mut gguf = LLAMA.gguf(Dtype::Q8_0);
        gguf.tensors.clear();
        let (mut tokens, _) = vocabulary();
        for byte in missing {
            let at = tokens.iter().position(|token| *token == alphabet::encode(*byte).to_string()).unwrap();
            tokens[at] = format!("<|no byte {byte}|>");
        }
        gguf.set("tokenizer.ggml.tokens", Meta::Texts(tokens));
        let bytes: Bytes = gguf.bytes();
        Tokenizer::from_gguf(&crate::weights::gguf::Gguf::parse(Path::new("some.gguf"), &bytes).unwrap())
    };
    assert!(without(&[0xc0, 0xc1, 0xf5, 0xff]).is_ok());
    // A character that was added after training is cut out first, and is itself, not the byte that it stands for.
    assert!(without(&[0xc2]).unwrap_err().to_string().contains("0xc2"));
}

#[test]
fn a_line_of_two_megabytes_is_encoded() {
    let tokenizer = built_in();
    // A long run of spaces makes the regular expression backtrack; a long word is one piece with a million merges to try.
    for line in [" ".repeat(2_000_000) + "x", "x".repeat(2_000_000), "ab, ".repeat(500_000)] {
        assert_eq!(decode(&tokenizer, &tokenizer.encode(&line)), line.as_bytes());
    }
}

/// Text as source files have it: words, runs of spaces, markers, any characters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ \t\r\n]{0,9}",
        "[a-z_]{1,8}",
        "[0-9]{1,7}",
        prop::sample::select(&SPECIAL[..]).prop_map(str::to_owned),
        prop::sample::select(vec!["'ll", "'S", "//", "\u{301}", "e\u{301}", "ﬁ", "\u{feff}", "Ġ", "Ċ"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever the text, its tokens are its bytes, and none is special.
    #[test]
    fn decoding_gives_the_bytes_back(text in text()) {
        thread_local! {
            static ALL: Vec<Tokenizer> = ["gpt-2", "llama-bpe", "qwen2", "seed-coder", "tekken", "starcoder", "deepseek-coder", "default"]
                .iter().map(|pre| from_gguf(pre, |_| ())).chain([from_json(), built_in()]).collect();
        }
        ALL.with(|all| {
            for tokenizer in all {
                let ids = tokenizer.encode(&text);
                prop_assert_eq!(decode(tokenizer, &ids), text.as_bytes());
                prop_assert!(!ids.iter().any(|&id| tokenizer.is_special(id)));
            }
            Ok(())
        })?;
    }
}

/// A SentencePiece vocabulary: markers, bytes, characters, and pieces whose scores say what merges first.
pub(crate) fn sentence_piece_gguf() -> crate::fixture::Gguf {
    let mut gguf = LLAMA.gguf(Dtype::Q8_0);
    gguf.tensors.clear();
    let mut tokens: Vec<(String, i32, f32)> =
        vec![("<unk>".into(), 2, 0.0), ("<s>".into(), 3, 0.0), ("</s>".into(), 3, 0.0)];
    tokens.extend((0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), 6, 0.0)));
    for text in ["<|fim_prefix|>", "<unused0>", "\u{2581}\u{2581}\u{2581}", "\n\n", "<table>"] {
        tokens.push((text.into(), 4, 0.0));
    }
    tokens.push(("\u{2581}<PRE>".into(), 1, 0.0));
    let pieces = ["in", "re", "ret", "turn", "tu", "rn", "\u{2581}in", "int", "return", "\u{2581}\u{2581}", "日本"];
    let characters = "abcdefghijklmnopqrstuvwxyz<>/|_日本\u{2581}".chars().map(String::from);
    let count = pieces.len();
    tokens.extend(pieces.iter().enumerate().map(|(rank, &piece)| (piece.to_owned(), 1, -(rank as f32))));
    tokens.extend(characters.enumerate().map(|(rank, c)| (c, 1, -((count + rank) as f32))));
    gguf.set("tokenizer.ggml.model", Meta::Text("llama".into()));
    gguf.set("tokenizer.ggml.tokens", Meta::Texts(tokens.iter().map(|(text, ..)| text.clone()).collect()));
    gguf.set("tokenizer.ggml.token_type", Meta::I32s(tokens.iter().map(|(_, kind, _)| *kind).collect()));
    gguf.set("tokenizer.ggml.scores", Meta::F32s(tokens.iter().map(|(.., score)| *score).collect()));
    gguf
}

fn sentence_piece() -> Tokenizer {
    let bytes: Bytes = sentence_piece_gguf().bytes();
    Tokenizer::from_gguf(&crate::weights::gguf::Gguf::parse(Path::new("some.gguf"), &bytes).unwrap()).unwrap()
}

#[test]
fn sentence_pieces_merge_by_score_and_fall_back_to_bytes() {
    let tokenizer = sentence_piece();
    let name = |text: &str| {
        let pieces = tokenizer.encode(text).into_iter().map(|id| decode(&tokenizer, &[id]));
        pieces.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect::<Vec<_>>()
    };
    // `in` comes before `int`, which is then made of it; `turn` (3) before `return` (8) and `rn` (5).
    assert_eq!(name("int"), ["int"]);
    assert_eq!(name("return"), ["ret", "u", "rn"]);
    assert_eq!(name(" in"), [" in"]);
    // Literals are cut out first, the longest first; what is left of the spaces merges.
    assert_eq!(name("     x"), ["   ", "  ", "x"]);
    assert_eq!(name("a\n\nb"), ["a", "\n\n", "b"]);
    assert_eq!(name("<table>"), ["<table>"]);
    assert_eq!(name("日本A"), ["日本", "A"]);
    assert_eq!(name("é").len(), 2);
    // The space's own stand-in is not a space.
    assert_eq!(tokenizer.encode("\u{2581}").len(), 3);
    for marker in ["<s>", "<unk>", "<|fim_prefix|>", "<unused0>", "\u{2581}<PRE>"] {
        let id = tokenizer.special(marker).unwrap();
        assert!(tokenizer.is_special(id) && tokenizer.bytes(id).is_empty());
        assert!(!tokenizer.encode(marker).iter().any(|&id| tokenizer.is_special(id)), "{marker}");
    }
}

proptest! {
    #[test]
    fn sentence_pieces_give_the_bytes_back(text in text()) {
        thread_local!(static TOKENIZER: Tokenizer = sentence_piece());
        TOKENIZER.with(|tokenizer| {
            let ids = tokenizer.encode(&text);
            prop_assert_eq!(decode(tokenizer, &ids), text.as_bytes());
            prop_assert!(!ids.iter().any(|&id| tokenizer.is_special(id)));
            Ok(())
        })?;
    }
}

#[test]
fn special_tokens_that_are_spelled_out_are_read_only_where_asked_for() {
    let tokenizer = crate::Engine::load(&crate::ModelSource::Ember).unwrap().tokenizer().clone();
    let suffix = tokenizer.special("<|suffix|>").unwrap();
    let text = "a<|suffix|>b<|suffi";
    let mut expected = tokenizer.encode("a");
    expected.push(suffix);
    expected.extend(tokenizer.encode("b<|suffi"));
    assert_eq!(tokenizer.encode_with_special(text), expected);
    assert!(!tokenizer.encode(text).contains(&suffix));
}
