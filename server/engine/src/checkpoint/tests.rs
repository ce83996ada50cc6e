//! Bad input: an error that names the file and the field, never a panic, never a huge allocation.
#![allow(clippy::unwrap_used)]

mod shipped;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    allocations,
    backend::{Backend as _, Logits, reference::Reference},
    fixture::{Gguf as Writer, Meta, QWEN2, SMALL, golden::Golden, tokenizer_json},
    weights::Dtype,
};

const PATH: &str = "/models/some.gguf";

fn open(bytes: Bytes) -> Result<Checkpoint, EngineError> {
    Checkpoint::from_gguf(Path::new(PATH), &bytes)
}

/// The message of a file that must not load, which must hold all `words`.
fn refused(result: Result<Checkpoint, EngineError>, words: &[&str]) {
    let message = match result {
        Ok(checkpoint) => panic!("{} was loaded: expected an error with {words:?}", checkpoint.name),
        Err(error) => error.to_string(),
    };
    for word in words {
        assert!(message.contains(word), "`{message}` lacks `{word}`");
    }
}

#[test]
fn each_broken_gguf_is_refused_by_name() {
    type Break = fn(&mut Writer);
    let cases: &[(Break, &[&str])] = &[
        (
            |g| g.tensors.retain(|t| t.0 != "blk.1.ffn_up.weight"),
            &["blk.1.ffn_up.weight", "[32, 32]", "no such tensor"],
        ),
        (|g| g.tensors.retain(|t| t.0 != "token_embd.weight"), &["token_embd.weight", "no such tensor"]),
        (
            |g| {
                let t = g.tensors.iter_mut().find(|t| t.0 == "blk.0.attn_k.weight").unwrap();
                t.1 = vec![32, 16];
            },
            &["blk.0.attn_k.weight", "[16, 32]", "[32, 16]"],
        ),
        (
            |g| g.tensors.push(("blk.2.attn_norm.weight".into(), vec![32], Dtype::F32, vec![0; 128])),
            &["blk.2.attn_norm.weight", "llama model of 2 layers"],
        ),
        (
            |g| g.tensors.push(("blk.0.attn_q_norm.weight".into(), vec![16], Dtype::F32, vec![0; 64])),
            &["blk.0.attn_q_norm.weight", "no such tensor in a llama model"],
        ),
        (
            |g| g.tensors.push(("blk.0.attn_rot_embd.weight".into(), vec![16], Dtype::F32, vec![0; 64])),
            &["blk.0.attn_rot_embd.weight", "unknown"],
        ),
        (|g| g.tensors.push(g.tensors[0].clone()), &["one tensor of this name", "second"]),
        (|g| g.metadata.push(g.metadata[0].clone()), &["general.architecture", "second"]),
        (|g| g.metadata.retain(|(k, _)| k != "llama.block_count"), &["llama.block_count", "no such metadata key"]),
        (
            |g| g.set("general.architecture", Meta::Text("gptj".into())),
            &["general.architecture", "llama, mistral3, qwen2, qwen3", "`gptj`"],
        ),
        (
            |g| g.set("llama.block_count", Meta::Text("two".into())),
            &["llama.block_count", "integer", "the string `two`"],
        ),
        (|g| g.set("llama.block_count", Meta::U32(u32::MAX)), &["block_count", "1 to 1024", "4294967295"]),
        (|g| g.set("llama.block_count", Meta::U32(0)), &["block_count", "found 0"]),
        (|g| g.set("llama.attention.head_count", Meta::U32(0)), &["attention.head_count", "found 0"]),
        (|g| g.set("llama.attention.head_count_kv", Meta::U32(3)), &["head_count_kv", "divisor of the 2", "found 3"]),
        (|g| g.set("llama.attention.key_length", Meta::U32(15)), &["attention.value_length", "keys' 15", "found 16"]),
        (|g| g.set("llama.rope.dimension_count", Meta::U32(18)), &["RoPE dimensions", "16", "18"]),
        (|g| g.set("llama.rope.freq_base", Meta::F32(f32::NAN)), &["RoPE base", "NaN"]),
        (|g| g.set("llama.rope.scaling.type", Meta::Text("dynamic".into())), &["rope.scaling.type", "dynamic"]),
        (|g| g.set("llama.context_length", Meta::U32(0)), &["context_length", "found 0"]),
        (|g| g.set("general.alignment", Meta::U32(0)), &["general.alignment", "power of two", "found 0"]),
        (|g| g.set("split.count", Meta::U32(3)), &["split.count", "3 parts"]),
        (|g| g.set("tokenizer.ggml.model", Meta::Text("bert".into())), &["tokenizer.ggml.model", "`gpt2`", "`bert`"]),
        (|g| g.set("tokenizer.ggml.model", Meta::Text("llama".into())), &["tokenizer.ggml.scores", "no such metadata"]),
        (|g| g.set("tokenizer.ggml.pre", Meta::Text("martian".into())), &["tokenizer.ggml.pre", "qwen2", "martian"]),
        (|g| g.set("tokenizer.ggml.token_type", Meta::I32s(vec![1; 7])), &["token_type", "296", "found 7"]),
        (|g| g.set("tokenizer.ggml.merges", Meta::Texts(vec!["in".into()])), &["merges 0", "space", "`in`"]),
        (|g| g.set("tokenizer.ggml.merges", Meta::Texts(vec!["i q".into()])), &["merge 0", "`iq`"]),
        (|g| g.set("tokenizer.ggml.eos_token_id", Meta::U32(999)), &["eos_token_id", "below 296", "999"]),
        (
            |g| {
                let Some((_, Meta::Texts(tokens))) = g.metadata.iter_mut().find(|(k, _)| k == "tokenizer.ggml.tokens")
                else {
                    panic!()
                };
                tokens.push("one more".into());
                g.metadata.retain(|(k, _)| k != "tokenizer.ggml.token_type");
            },
            &["297 embedding rows", "296 rows"],
        ),
    ];
    assert_eq!(open(SMALL.gguf(Dtype::F32).bytes()).unwrap().name, "tiny llama");
    for (change, words) in cases {
        let mut gguf = SMALL.gguf(Dtype::F32);
        change(&mut gguf);
        refused(open(gguf.bytes()), words);
        refused(open(gguf.bytes()), &[PATH]);
    }
}

#[test]
fn what_is_no_gguf_is_refused() {
    let good = SMALL.gguf(Dtype::F32).bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        open(file.into())
    };
    refused(open(Bytes::new()), &["magic", "4 bytes"]);
    refused(open(Bytes::from_static(b"PK\x03\x04 a zip file")), &["magic", "`GGUF`", "`PK\\x03\\x04`"]);
    // The layouts of the two versions are one.
    assert_eq!(with(4, &[2, 0, 0, 0]).unwrap().name, "tiny llama");
    refused(with(4, &[1, 0, 0, 0]), &["version", "version 1"]);
    refused(with(4, &[0, 0, 0, 3]), &["version", "big-endian"]);
    refused(with(8, &u64::MAX.to_le_bytes()), &["tensor count", "18446744073709551615"]);
    refused(with(16, &(1u64 << 40).to_le_bytes()), &["metadata count", "at most"]);
    refused(open(good.slice(..good.len() - 1)), &["bytes of F32 data", "truncated"]);
    let missing = Checkpoint::open(&ModelSource::Gguf("/no/such.gguf".into()));
    refused(missing, &["/no/such.gguf", "No such file"]);
    refused(Checkpoint::open(&ModelSource::Gguf("/".into())), &["a file"]);
}

/// By the name that a person knows it by, and with what is read instead.
#[test]
fn quantisations_that_are_not_read_are_named() {
    let good = SMALL.gguf(Dtype::Q8_0).bytes();
    let name = b"blk.0.ffn_up.weight";
    let at = good.windows(name.len()).position(|some| some == name).unwrap();
    // The name, the number of dimensions, two of these, the type.
    let at = at + name.len() + 4 + 2 * 8;
    for (id, called) in [
        (16u32, "IQ2_XXS"),
        (20, "IQ4_NL"),
        (23, "IQ4_XS"),
        (29, "IQ1_M"),
        (34, "TQ1_0"),
        (39, "MXFP4"),
        (99, "ggml type 99"),
    ] {
        let mut file = good.to_vec();
        file[at..at + 4].copy_from_slice(&id.to_le_bytes());
        refused(open(file.into()), &["blk.0.ffn_up.weight", called, "Q4_K"]);
    }
}

#[test]
fn the_first_marker_is_the_one_that_the_tokenizer_puts_there() {
    let gguf = |change: fn(&mut Writer)| {
        let mut gguf = SMALL.gguf(Dtype::F32);
        change(&mut gguf);
        open(gguf.bytes()).unwrap().bos
    };
    assert_eq!(gguf(|_| ()), Some(1));
    assert_eq!(gguf(|g| g.set("tokenizer.ggml.add_bos_token", Meta::Bool(false))), None);
    assert_eq!(gguf(|g| g.metadata.retain(|(key, _)| key != "tokenizer.ggml.add_bos_token")), None);

    // `config.json` names a first marker, as Qwen2's does; nothing uses it.
    assert_eq!(folder(|_| ()).unwrap().bos, None);
    let template = |marker: &'static str| {
        folder(json("tokenizer.json", move |j| {
            j["post_processor"] = json!({ "type": "Sequence", "processors": [
                { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true },
                { "type": "TemplateProcessing", "pair": [], "special_tokens": {}, "single": [
                    { "SpecialToken": { "id": marker, "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } } ] } ] });
        }))
    };
    assert_eq!(template("<|bos|>").unwrap().bos, Some(1));
    refused(template("<|begin|>"), &["tokenizer.json", "post_processor", "<|begin|>"]);
}

#[test]
fn qwen2_without_its_biases_is_refused() {
    let mut gguf = QWEN2.gguf(Dtype::Q8_0);
    gguf.tensors.retain(|t| t.0 != "blk.0.attn_v.bias");
    refused(open(gguf.bytes()), &["blk.0.attn_v.bias", "[128]"]);
}

fn folder(change: impl FnOnce(&Path)) -> Result<Checkpoint, EngineError> {
    let folder = tempfile::tempdir().unwrap();
    SMALL.folder(folder.path(), &SMALL.config_json(), Dtype::F32, 2);
    change(folder.path());
    Checkpoint::open(&ModelSource::SafeTensors(folder.path().into()))
}

/// Changes a JSON file of the folder.
fn json(file: &'static str, change: impl Fn(&mut serde_json::Value)) -> impl FnOnce(&Path) {
    move |folder| {
        let path = folder.join(file);
        let mut value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(path, value.to_string()).unwrap();
    }
}

#[test]
fn each_broken_folder_is_refused_by_name() {
    const INDEX: &str = "model.safetensors.index.json";
    const FIRST: &str = "model-00001-of-00002.safetensors";
    assert_eq!(folder(|_| ()).unwrap().eos, [0]);
    let remove = |file: &'static str| folder(move |folder| std::fs::remove_file(folder.join(file)).unwrap());
    refused(remove("config.json"), &["config.json", "No such file"]);
    refused(remove("tokenizer.json"), &["tokenizer.json", "No such file"]);
    refused(remove(FIRST), &[FIRST, "No such file"]);
    refused(folder(|f| std::fs::write(f.join(FIRST), b"{}").unwrap()), &[FIRST, "header"]);
    refused(folder(json(INDEX, |j| j["weight_map"] = json!(3))), &[INDEX, "weight_map"]);
    let escape = |shard: &'static str| folder(json(INDEX, move |j| j["weight_map"]["lm_head.weight"] = json!(shard)));
    refused(escape("../model.safetensors"), &[INDEX, "same folder", "../model.safetensors"]);
    refused(escape("/etc/passwd"), &[INDEX, "same folder"]);
    refused(
        folder(json(INDEX, |j| j["weight_map"]["model.layers.7.mlp.up_proj.weight"] = json!(FIRST))),
        &[FIRST, "model.layers.7.mlp.up_proj.weight", "none of this name"],
    );
    refused(
        folder(json(INDEX, |j| {
            j["weight_map"].as_object_mut().unwrap().remove("model.norm.weight");
        })),
        &["model.norm.weight", "[32]", "no such tensor"],
    );
    refused(folder(json("config.json", |j| j["model_type"] = json!("bert"))), &["config.json", "model_type", "`bert`"]);
    refused(folder(json("config.json", |j| j["hidden_size"] = json!(64))), &["embed_tokens", "[296, 64]", "[296, 32]"]);
    refused(folder(json("config.json", |j| j["hidden_size"] = json!("wide"))), &["config.json", "hidden_size"]);
    refused(folder(json("config.json", |j| j["hidden_act"] = json!("gelu"))), &["hidden_act", "`gelu`"]);
    refused(folder(json("config.json", |j| j["vocab_size"] = json!(0))), &["vocab_size", "found 0"]);
    refused(folder(json("config.json", |j| j["eos_token_id"] = json!([0, 5000]))), &["eos_token_id", "5000"]);
    let scaling = json!({ "rope_type": "longrope", "factor": 2.0 });
    refused(folder(json("config.json", move |j| j["rope_scaling"] = scaling.clone())), &["rope_type", "`longrope`"]);
    refused(
        folder(json("tokenizer.json", |j| j["model"]["vocab"]["one more"] = json!(3000))),
        &["tokenizer.json", "3001 embedding rows", "296 rows"],
    );
    refused(
        folder(json("tokenizer.json", |j| j["model"]["vocab"]["one more"] = json!(u32::MAX))),
        &["`one more`", "4294967295"],
    );
    refused(folder(json("tokenizer.json", |j| j["model"]["type"] = json!("Unigram"))), &["model.type", "Unigram"]);
    refused(
        folder(json("tokenizer.json", |j| j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = json!("Removed"))),
        &["pre_tokenizer", "not Removed"],
    );
    refused(
        folder(json("tokenizer.json", |j| {
            j["model"]["vocab"].as_object_mut().unwrap().remove("a");
        })),
        &["a token for each byte", "0x61"],
    );
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let mut other = tokenizer_json();
    other["model"]["merges"] = json!([]);
    let vocab = other["model"]["vocab"].as_object_mut().unwrap();
    vocab.retain(|_, id| id.as_u64().unwrap() < 288);
    // 288 ids for 296 rows: rows may be padded.
    let mut model = tempfile::tempdir().unwrap();
    SMALL.folder(model.path(), &SMALL.config_json(), Dtype::F32, 1);
    std::fs::write(model.path().join("tokenizer.json"), other.to_string()).unwrap();
    let opened = Checkpoint::open(&ModelSource::SafeTensors(model.path().into())).unwrap();
    assert_eq!(opened.tokenizer.vocab_size(), 288);
    // 296 ids for 288 rows: ids without a row.
    model = tempfile::tempdir().unwrap();
    let mut config = SMALL.config_json();
    config["vocab_size"] = json!(288);
    SMALL.folder(model.path(), &config, Dtype::F32, 1);
    refused(
        Checkpoint::open(&ModelSource::SafeTensors(model.path().into())),
        &["embed_tokens", "[288, 32]", "[296, 32]"],
    );
}

/// Opens a file that may be broken, and if it opens, runs it. Whatever happens, it must not panic or allocate much.
fn survive(result: impl FnOnce() -> Result<Checkpoint, EngineError>, size: usize, name: &str) {
    let (_, most) = allocations::most(|| match result() {
        Err(error) => assert!(error.to_string().contains(name), "{error}"),
        Ok(checkpoint) => {
            let mut model = Reference::new(&checkpoint.decoder, 64, 1, 1).unwrap();
            model.forward(&[0], 0, &[1, 40, 41], Logits::Last).map(|_| ()).unwrap_or_default();
            checkpoint.tokenizer.encode("fn main() {}\n");
        }
    });
    // f32 from 4-bit weights is eight times the file; buffers double.
    assert!(most < 32 * size + (1 << 20), "{most} bytes held for a file of {size}");
}

/// Damage to a file.
#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    Flip(Vec<(prop::sample::Index, u8)>),
    /// Eight bytes that make a count or a size absurd.
    Huge(prop::sample::Index, u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    let huge = prop_oneof![Just(u64::MAX), Just(1 << 63), Just(1 << 40), Just(1 << 32), Just(u64::MAX / 4)];
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Damage::Cut),
        prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..6).prop_map(Damage::Flip),
        (any::<prop::sample::Index>(), huge).prop_map(|(at, value)| Damage::Huge(at, value)),
    ]
}

impl Damage {
    /// Damages the first `header` bytes (or cuts anywhere).
    fn apply(&self, bytes: &[u8], header: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Flip(all) => all.iter().for_each(|(at, mask)| bytes[at.index(header)] ^= mask),
            Self::Huge(at, value) => {
                let at = at.index(header - 8);
                bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
        bytes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn damaged_gguf(damage in damage(), near in any::<bool>()) {
        thread_local!(static GOOD: Bytes = SMALL.gguf(Dtype::Q4_0).bytes());
        let good = GOOD.with(Bytes::clone);
        // Half of the damage goes to the counts and sizes at the front, the rest anywhere in the header.
        let header = if near { 1500 } else { 20_000.min(good.len()) };
        let bad = damage.apply(&good, header);
        let size = bad.len();
        survive(|| open(bad.into()), size, PATH);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn damaged_mistral_folder(damage in damage(), which in 0..3usize) {
        let folder = tempfile::tempdir().unwrap();
        shipped::consolidated(&Golden::read("ministral3"), folder.path(), true);
        let path = folder.path().join(["params.json", "tekken.json", "consolidated.safetensors"][which]);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, damage.apply(&good, good.len().min(3000))).unwrap();
        let open = || Checkpoint::open(&ModelSource::SafeTensors(folder.path().into()));
        survive(open, good.len().max(100_000), folder.path().to_str().unwrap());
    }

    /// A model in three files: what is wrong in one of them, or between them.
    #[test]
    fn damaged_parts(damage in damage(), which in 1..4usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = shipped::in_three_parts(folder.path());
        let good = std::fs::read(path(which)).unwrap();
        std::fs::write(path(which), damage.apply(&good, good.len().min(3000))).unwrap();
        let open = || Checkpoint::open(&ModelSource::Gguf(path(1)));
        survive(open, good.len().max(100_000), folder.path().to_str().unwrap());
    }

    /// 8-bit floats with their scales, and all else that a folder may have.
    #[test]
    fn damaged_eight_bits(damage in damage(), which in 0..5usize) {
        let folder = tempfile::tempdir().unwrap();
        shipped::in_eight_bits(folder.path());
        let files =
            ["config.json", "model.safetensors", "generation_config.json", "tokenizer_config.json", "chat_template.jinja"];
        let path = folder.path().join(files[which]);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, damage.apply(&good, good.len().min(3000))).unwrap();
        let open = || {
            let opened = Checkpoint::open(&ModelSource::SafeTensors(folder.path().into()))?;
            // What is wrong with the template keeps nobody from completing.
            if let Ok(chat) = &opened.chat {
                let messages = r#"[{"role":"user","content":"a <|bos|> b"},{"role":"assistant","content":""}]"#;
                let _ = chat.encode(&opened.tokenizer, messages, Some(r#"[{"type":"function"}]"#));
            }
            Ok(opened)
        };
        survive(open, good.len().max(100_000), folder.path().to_str().unwrap());
    }

    #[test]
    fn damaged_sentence_piece(damage in damage()) {
        let mut gguf = crate::tokenizer::tests::sentence_piece_gguf();
        gguf.tensors.clear();
        let good = gguf.bytes();
        let bad = damage.apply(&good, good.len());
        let (_, most) = allocations::most(|| {
            let header = crate::weights::gguf::Gguf::parse(Path::new(PATH), &bad.into());
            match header.and_then(|gguf| crate::Tokenizer::from_gguf(&gguf)) {
                Ok(tokenizer) => drop(tokenizer.encode("fn main() {}\n")),
                Err(error) => assert!(error.to_string().contains(PATH), "{error}"),
            }
        });
        assert!(most < 32 * good.len() + (1 << 20), "{most} bytes held");
    }

    #[test]
    fn damaged_folder(damage in damage(), which in 0..4usize) {
        let folder = tempfile::tempdir().unwrap();
        SMALL.folder(folder.path(), &SMALL.config_json(), Dtype::BF16, 2);
        let files =
            ["config.json", "tokenizer.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"];
        let path = folder.path().join(files[which]);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, damage.apply(&good, good.len().min(3000))).unwrap();
        let open = || Checkpoint::open(&ModelSource::SafeTensors(folder.path().into()));
        survive(open, good.len().max(100_000), folder.path().to_str().unwrap());
    }
}
