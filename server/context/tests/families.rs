//! Each family's prompt as text, and the vocabularies by which it is known.
#![allow(clippy::unwrap_used)]

use pilotlight_context::{
    Budget, Excerpt, Family, Input, Piece, Plan, SegmentId, Source, TokenCounter, family::FAMILIES, plan,
};
use pilotlight_syntax::{Document, Language};

struct Words;

impl TokenCounter for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

fn family(name: &str) -> &'static Family {
    FAMILIES.iter().find(|family| family.name == name).unwrap()
}

fn planned(family: &Family, text: &str) -> Plan {
    let cursor = text.find("$0").unwrap();
    let snapshot = Document::open(Language::Rust, 0, &text.replacen("$0", "", 1)).snapshot();
    let input = Input { path: "src/a.rs", snapshot: &snapshot, cursor, anchor: None };
    plan(family, input, Budget { prefix: 100, suffix: 100 }, &Words)
}

/// What special tokens the models' own vocabularies have, as far as the families tell them apart.
const VOCABULARIES: [(&str, &[&str]); 12] = [
    ("server", &["<suffix part>", "<prefix part>"]),
    ("ember", &["<|bos|>", "<|file|>", "<|suffix|>", "<|prefix|>", "<|recent|>", "<|eot|>"]),
    (
        "qwen2.5-coder",
        &[
            "<|endoftext|>",
            "<|im_start|>",
            "<|im_end|>",
            "<|fim_prefix|>",
            "<|fim_middle|>",
            "<|fim_suffix|>",
            "<|fim_pad|>",
            "<|repo_name|>",
            "<|file_sep|>",
        ],
    ),
    ("codegemma", &["<bos>", "<eos>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|file_separator|>"]),
    (
        "granite",
        &["<|end_of_text|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|filename|>"],
    ),
    (
        "starcoder2",
        &[
            "<|endoftext|>",
            "<fim_prefix>",
            "<fim_middle>",
            "<fim_suffix>",
            "<fim_pad>",
            "<repo_name>",
            "<file_sep>",
            "<issue_start>",
        ],
    ),
    (
        "mellum",
        &[
            "<|endoftext|>",
            "<fim_prefix>",
            "<fim_middle>",
            "<fim_suffix>",
            "<filename>",
            "<reponame>",
            "<|im_start|>",
            "<|im_end|>",
        ],
    ),
    (
        "starcoder",
        &["<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<filename>", "<reponame>"],
    ),
    (
        "deepseek-coder",
        &[
            "<｜begin▁of▁sentence｜>",
            "<｜end▁of▁sentence｜>",
            "<｜fim▁begin｜>",
            "<｜fim▁hole｜>",
            "<｜fim▁end｜>",
            "<|EOT|>",
        ],
    ),
    ("seed-coder", &["<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>", "<[begin▁of▁sentence]>"]),
    ("codellama", &["<unk>", "<s>", "</s>", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"]),
    ("codestral", &["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"]),
];

#[test]
fn each_vocabulary_is_known_as_its_own() {
    for (name, vocabulary) in VOCABULARIES {
        let found = Family::detect(|marker| vocabulary.contains(&marker)).unwrap();
        assert_eq!(found.name, name);
        // Without any one of its markers it is nobody's, or another's that lacks nothing.
        for marker in found.markers {
            let other = Family::detect(|m| m != *marker && vocabulary.contains(&m));
            assert!(
                other.is_err() || (name, other.clone().unwrap().name) == ("mellum", "starcoder"),
                "{name} without {marker}: {other:?}"
            );
        }
    }
    assert_eq!(VOCABULARIES.len(), FAMILIES.len());
}

#[test]
fn devstral_is_not_taken_for_codestral() {
    let devstral = ["<s>", "</s>", "[PREFIX]", "[SUFFIX]", "[MIDDLE]", "[SYSTEM_PROMPT]"];
    let error = Family::detect(|marker| devstral.contains(&marker)).unwrap_err().to_string();
    assert!(error.contains("codestral has no [SYSTEM_PROMPT]") && error.contains("codellama needs ▁<PRE>"), "{error}");
}

#[test]
fn prompts_are_as_the_families_were_trained() {
    let text = "fn a() {\n    b($0);\n}\n";
    for (name, expected) in [
        ("ember", "<|bos|><|file|>src/a.rs\n<|suffix|>}\n<|prefix|>fn a() {\n    b("),
        ("qwen2.5-coder", "<|fim_prefix|>fn a() {\n<|fim_suffix|>}\n<|fim_middle|>    b("),
        ("codegemma", "<bos><|fim_prefix|>fn a() {\n<|fim_suffix|>}\n<|fim_middle|>    b("),
        ("granite", "<|fim_prefix|>fn a() {\n<|fim_suffix|>}\n<|fim_middle|>    b("),
        ("starcoder2", "<fim_prefix>fn a() {\n<fim_suffix>}\n<fim_middle>    b("),
        ("mellum", "<filename>src/a.rs\n<fim_suffix>}\n<fim_prefix>fn a() {\n    b(<fim_middle>"),
        ("starcoder", "<fim_prefix>fn a() {\n<fim_suffix>}\n<fim_middle>    b("),
        ("deepseek-coder", "<｜begin▁of▁sentence｜><｜fim▁begin｜>fn a() {\n<｜fim▁hole｜>}\n<｜fim▁end｜>    b("),
        ("seed-coder", "<[fim-suffix]>}\n<[fim-prefix]>fn a() {\n    b(<[fim-middle]>"),
        ("codellama", "<s>▁<PRE> fn a() {\n▁<SUF>}\n▁<MID>    b("),
        ("codestral", "<s>[SUFFIX]}\n[PREFIX]fn a() {\n    b("),
    ] {
        // The suffix begins at the line's end or at the next line, as the window has it.
        let shown = planned(family(name), text).display().replace(">\n}", ">}").replace("]\n}", "]}");
        assert_eq!(shown, expected, "{name}");
    }
}

#[test]
fn other_files_stand_where_each_family_has_them() {
    let excerpt = Excerpt {
        id: SegmentId { source: Source::Definition, path: "src/b.rs".into(), line: 3 },
        text: "fn c();\n".into(),
        gain: 1.0,
        tokens: 2,
    };
    for (name, beginning) in [
        ("qwen2.5-coder", "<|repo_name|>here\n<|file_sep|>src/b.rs\nfn c();\n<|file_sep|>src/a.rs\n<|fim_prefix|>fn a"),
        ("codegemma", "<bos>src/b.rs\nfn c();\n<|file_separator|>src/a.rs\n<|fim_prefix|>fn a"),
        ("starcoder2", "<repo_name>here<file_sep>src/b.rs\nfn c();\n<file_sep><fim_prefix>src/a.rs\nfn a"),
        ("mellum", "<filename>src/b.rs\nfn c();\n<filename>src/a.rs\n<fim_suffix>"),
        ("codestral", "<s>[SUFFIX]}\n[PREFIX]+++++ src/b.rs\nfn c();\n+++++ src/a.rs\nfn a"),
    ] {
        let family = family(name);
        let mut plan = planned(family, "fn a() {\n    b($0);\n}\n");
        let alone = plan.clone();
        plan.segments = family.with_excerpts.unwrap()("here", std::slice::from_ref(&excerpt), plan.segments);
        let shown = plan.display().replace(">\n}", ">}").replace("]\n}", "]}");
        assert!(shown.starts_with(beginning), "{name}: {shown}");
        // Nothing of the file is lost, and without excerpts nothing changes.
        let (ours, own) = (plan.pieces().count(), alone.pieces().count());
        assert!(ours > own, "{name}");
        assert_eq!(family.with_excerpts.unwrap()("here", &[], alone.segments.clone()), alone.segments, "{name}");
    }
}

#[test]
fn every_marker_of_a_layout_is_declared() {
    for family in FAMILIES {
        let mut plan = planned(family, "fn a() {\n    b($0);\n}\n");
        let excerpt = |source| Excerpt {
            id: SegmentId { source, path: "src/b.rs".into(), line: 3 },
            text: "fn c();\n".into(),
            gain: 1.0,
            tokens: 2,
        };
        if let Some(with_excerpts) = family.with_excerpts {
            plan.segments = with_excerpts("here", &[excerpt(Source::Definition), excerpt(Source::Edit)], plan.segments);
        }
        for piece in plan.pieces() {
            let Piece::Marker(marker) = piece else { continue };
            assert!(family.markers.contains(marker) || family.stops.contains(marker), "{}: {marker}", family.name);
        }
    }
}
