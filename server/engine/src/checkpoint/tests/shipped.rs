//! Checkpoints as their makers ship them: Mistral's own files, 8-bit floats, models in several GGUF files.

use std::{collections::BTreeMap, path::PathBuf};

use ::safetensors::{Dtype as Kind, tensor::TensorView};
use float8::F8E4M3;
use serde_json::json;

use super::*;
use crate::{
    config::RopeStyle,
    fixture::{Dense, SPECIAL, SPECIALS, adjacent_pairs, golden::Golden, quantise, vocabulary, write_folder},
    weights::names::{HUGGING_FACE, MISTRAL, Meaning},
};

/// A tensor as it is written.
struct Stored {
    kind: Kind,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn write(path: &Path, tensors: &BTreeMap<String, Stored>) {
    let view = |name: &String| {
        let t = &tensors[name];
        (name.clone(), TensorView::new(t.kind, t.shape.clone(), &t.bytes).unwrap())
    };
    let views: Vec<(String, TensorView<'_>)> = tensors.keys().map(view).collect();
    ::safetensors::serialize_to_file(views, None, path).unwrap();
}

fn plain(tensor: &Dense) -> Stored {
    Stored { kind: Kind::F32, shape: tensor.shape.clone(), bytes: quantise(Dtype::F32, tensor) }
}

/// In 8-bit floats of the greatest range, and what they are worth.
fn eight_bits(tensor: &Dense) -> (Stored, f32, Dense) {
    let scale = tensor.data.iter().fold(0f32, |m, x| m.max(x.abs())) / 448.0;
    let stored: Vec<F8E4M3> = tensor.data.iter().map(|x| F8E4M3::from_f32(x / scale)).collect();
    let worth = Dense { shape: tensor.shape.clone(), data: stored.iter().map(|x| x.to_f32() * scale).collect() };
    let bytes = stored.iter().map(|x| x.to_bits()).collect();
    (Stored { kind: Kind::F8_E4M3, shape: tensor.shape.clone(), bytes }, scale, worth)
}

fn number(x: f32, shape: &[usize]) -> Stored {
    let count = shape.iter().product();
    Stored {
        kind: Kind::F32,
        shape: shape.to_vec(),
        bytes: std::iter::repeat_n(x.to_le_bytes(), count).flatten().collect(),
    }
}

/// The fixture's vocabulary as a `tekken.json`: bytes are ranked first there too.
fn tekken_json() -> serde_json::Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let (tokens, merges) = vocabulary();
    let merged = merges.iter().map(|(a, b)| format!("{a}{b}").replace('Ġ', " ").into_bytes());
    let bytes = (0..=255u8).map(|byte| vec![byte]).chain(merged);
    let vocab = bytes
        .enumerate()
        .map(|(rank, bytes)| json!({ "rank": rank, "token_bytes": BASE64_STANDARD.encode(bytes), "token_str": null }));
    let named = ["<unk>", "<s>", "</s>", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"].iter().enumerate();
    let special = named.map(|(rank, name)| json!({ "rank": rank, "token_str": name, "is_control": true }));
    json!({
        "config": { "pattern": r"\p{L}+| ?[^\s\p{L}]+|\s+", "num_vocab_tokens": 264, "default_vocab_size": tokens.len(),
            "default_num_special_tokens": SPECIALS, "version": "v3" },
        "vocab": vocab.collect::<Vec<_>>(), "special_tokens": special.collect::<Vec<_>>(),
    })
}

/// `golden` as Mistral ships it, its linear layers in 8 bits if asked for; gives also their worth by Hugging Face's names.
pub(super) fn consolidated(golden: &Golden, folder: &Path, eight: bool) -> BTreeMap<String, Dense> {
    let c = golden.shape();
    let config = &golden.config["rope_parameters"];
    let params = json!({
        "dim": c.hidden, "n_layers": c.layers, "head_dim": c.head_dim, "hidden_dim": c.ffn, "n_heads": c.heads, "n_kv_heads": c.kv_heads,
        "norm_eps": 1e-5, "vocab_size": c.vocab, "rope_theta": config["rope_theta"], "max_position_embeddings": c.context_length,
        "tied_embeddings": false,
        "yarn": { "original_max_position_embeddings": config["original_max_position_embeddings"], "alpha": config["beta_slow"],
            "beta": config["beta_fast"], "factor": config["factor"], "apply_scale": false },
        "llama_4_scaling": { "original_max_position_embeddings": config["original_max_position_embeddings"],
            "beta": config["llama_4_scaling_beta"] },
        "quantization": if eight { json!({ "qformat_weight": "fp8_e4m3", "qscheme_act": "TENSOR" }) } else { json!(null) },
        "vision_encoder": { "hidden_size": 8 },
    });
    std::fs::write(folder.join("params.json"), params.to_string()).unwrap();
    std::fs::write(folder.join("tekken.json"), tekken_json().to_string()).unwrap();
    let mut out = BTreeMap::new();
    let mut worth = BTreeMap::new();
    for (name, tensor) in golden.tensors() {
        let Meaning::Tensor(canonical) = HUGGING_FACE.meaning(&name) else { panic!("{name}") };
        let spelled = MISTRAL.spell(&canonical);
        let turned = |tensor: &Dense| match canonical.ends_with("attn_q") || canonical.ends_with("attn_k") {
            true => adjacent_pairs(tensor, c.head_dim),
            false => tensor.clone(),
        };
        let linear = tensor.shape.len() == 2 && canonical.starts_with("layers");
        if eight && linear {
            let (_, _, value) = eight_bits(&tensor);
            let (stored, scale, _) = eight_bits(&turned(&tensor));
            let stem = spelled.strip_suffix(".weight").unwrap().to_owned();
            out.insert(spelled, stored);
            out.insert(format!("{stem}.qscale_weight"), number(scale, &[]));
            out.insert(format!("{stem}.qscale_act"), number(0.25, &[]));
            worth.insert(name, value);
        } else {
            out.insert(spelled, plain(&turned(&tensor)));
            worth.insert(name, tensor);
        }
    }
    out.insert("vision_encoder.patch_conv.weight".into(), number(1.0, &[2, 2]));
    write(&folder.join("consolidated.safetensors"), &out);
    worth
}

fn logits(checkpoint: &Checkpoint, tokens: &[u32]) -> Vec<f32> {
    let mut model = Reference::new(&checkpoint.decoder.without_input_scales(), 128, 2, 1).unwrap();
    model.forward(&[0, 1], 0, tokens, Logits::All).unwrap().to_vec()
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0f32, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

fn open_folder(folder: &Path) -> Result<Checkpoint, EngineError> {
    Checkpoint::open(&ModelSource::SafeTensors(folder.into()))
}

#[test]
fn mistrals_own_files_give_what_transformers_gives() {
    let golden = Golden::read("ministral3");
    let folder = tempfile::tempdir().unwrap();
    consolidated(&golden, folder.path(), false);
    let checkpoint = open_folder(folder.path()).unwrap();
    assert_eq!(checkpoint.decoder.config.rope.style, RopeStyle::AdjacentPairs);
    assert_eq!((checkpoint.bos, &checkpoint.eos[..]), (Some(1), &[2][..]));
    assert_eq!(checkpoint.tokenizer.special("[SUFFIX]"), Some(5));
    assert_eq!(checkpoint.tokenizer.special(SPECIAL[0]), None);
    let ids = checkpoint.tokenizer.encode("  return");
    let back: Vec<u8> = ids.iter().flat_map(|&id| checkpoint.tokenizer.bytes(id).to_vec()).collect();
    assert_eq!((back, ids.len()), (b"  return".to_vec(), 5), "{ids:?}");
    let error = difference(&logits(&checkpoint, &golden.sequence()), &golden.logits);
    assert!(error < 1e-3, "{error}");
}

/// Devstral Small 2 and Devstral 2 as released, in both forms: exactly as the numbers that the 8 bits stand for.
#[test]
fn eight_bit_floats_are_their_value_times_their_scale() {
    let golden = Golden::read("ministral3");
    let (mistral, hugging, wide) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let worth = consolidated(&golden, mistral.path(), true);
    write_folder(wide.path(), &golden.config, &worth, Dtype::F32, 1);
    write_folder(hugging.path(), &golden.config, &worth, Dtype::F32, 1);
    let mut tensors = BTreeMap::new();
    for (name, tensor) in golden.tensors() {
        if tensor.shape.len() == 2 && name.contains("proj") {
            let (stored, scale, _) = eight_bits(&tensor);
            let stem = name.strip_suffix(".weight").unwrap().to_owned();
            tensors.insert(name, stored);
            tensors.insert(format!("{stem}.weight_scale_inv"), number(scale, &[]));
            tensors.insert(format!("{stem}.activation_scale"), number(0.25, &[]));
        } else {
            tensors.insert(name, plain(&tensor));
        }
    }
    let file = hugging.path().join("model.safetensors");
    write(&file, &tensors);
    let tokens = golden.sequence();
    let want = logits(&open_folder(wide.path()).unwrap(), &tokens);
    for folder in [&mistral, &hugging] {
        let opened = open_folder(folder.path()).unwrap();
        let crate::decoder::Mlp::Gated(mlp) = &opened.decoder.layers[0].mlp else { panic!() };
        assert_eq!(mlp.up.weight.dtype, Dtype::F8E4M3);
        assert!(opened.decoder.rounds_inputs() && !opened.decoder.without_input_scales().rounds_inputs());
        assert!(difference(&logits(&opened, &tokens), &want) < 1e-5);
    }
    // The rounding to 8 bits is no small thing: the test would see it if it were not undone.
    assert!(difference(&want, &golden.logits) > 1e-2);

    const NAME: &str = "model.layers.0.self_attn.q_proj.weight";
    let scale = format!("{NAME}_scale_inv");
    let broken = |change: &dyn Fn(&mut BTreeMap<String, Stored>)| {
        let mut tensors: BTreeMap<String, Stored> = tensors
            .iter()
            .map(|(name, t)| (name.clone(), Stored { kind: t.kind, shape: t.shape.clone(), bytes: t.bytes.clone() }))
            .collect();
        change(&mut tensors);
        write(&file, &tensors);
        open_folder(hugging.path())
    };
    refused(broken(&|t| drop(t.remove(&scale))), &[NAME, "a scale beside the 8-bit floats"]);
    let by_block = broken(&|t| drop(t.insert(scale.clone(), number(1.0, &[1, 2]))));
    refused(by_block, &[&scale, "[1, 2]", "no `quantization_config.weight_block_size`"]);
    let norm = "model.norm.weight_scale_inv";
    refused(broken(&|t| drop(t.insert(norm.into(), number(1.0, &[])))), &[norm, "the scale of a matrix"]);
    refused(broken(&|t| drop(t.insert(scale.clone(), number(f32::NAN, &[])))), &[&scale, "NaN"]);
    let stray = "model.layers.9.self_attn.q_proj.weight_scale_inv";
    refused(broken(&|t| drop(t.insert(stray.into(), number(1.0, &[])))), &[stray, "that is there"]);
}

/// Qwen3's FP8 releases (blocks of 128 by 128; here smaller, and not dividing the matrices), and scales by row.
#[test]
fn eight_bit_floats_are_scaled_by_blocks_and_by_rows() {
    let golden = Golden::read("qwen3moe");
    let (wide, narrow) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for block in [[24, 40], [1, usize::MAX]] {
        let (mut worth, mut tensors) = (BTreeMap::new(), BTreeMap::new());
        for (name, tensor) in golden.tensors() {
            // As shipped: what routes, embeds and gives logits stays as it was.
            if tensor.shape.len() != 2 || !name.contains("proj") {
                tensors.insert(name.clone(), plain(&tensor));
                worth.insert(name, tensor);
                continue;
            }
            let [rows, columns] = tensor.shape[..] else { panic!() };
            let block = [block[0], block[1].min(columns)];
            let shape = [rows.div_ceil(block[0]), columns.div_ceil(block[1])];
            let scale_of = |at: usize| at / columns / block[0] * shape[1] + at % columns / block[1];
            let mut scales = vec![0f32; shape[0] * shape[1]];
            // Numbers that bf16 has, as the releases have them.
            tensor.data.iter().enumerate().for_each(|(at, x)| scales[scale_of(at)] = scales[scale_of(at)].max(x.abs()));
            scales.iter_mut().for_each(|scale| *scale = half::bf16::from_f32(*scale / 400.0).to_f32());
            let eight = |(at, x): (usize, &f32)| F8E4M3::from_f32(x / scales[scale_of(at)]);
            let stored: Vec<F8E4M3> = tensor.data.iter().enumerate().map(eight).collect();
            let value = |(at, x): (usize, &F8E4M3)| x.to_f32() * scales[scale_of(at)];
            let data = stored.iter().enumerate().map(value).collect();
            worth.insert(name.clone(), Dense { shape: tensor.shape.clone(), data });
            let bytes = scales.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
            tensors.insert(format!("{name}_scale_inv"), Stored { kind: Kind::BF16, shape: shape.to_vec(), bytes });
            let bytes = stored.iter().map(|x| x.to_bits()).collect();
            tensors.insert(name, Stored { kind: Kind::F8_E4M3, shape: tensor.shape.clone(), bytes });
        }
        let mut config = golden.config.clone();
        write_folder(wide.path(), &config, &worth, Dtype::F32, 1);
        if block[0] > 1 {
            config["quantization_config"] =
                json!({ "quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": block });
        }
        write_folder(narrow.path(), &config, &worth, Dtype::F32, 1);
        write(&narrow.path().join("model.safetensors"), &tensors);
        let opened = open_folder(narrow.path()).unwrap();
        let crate::decoder::Mlp::Experts { experts, .. } = &opened.decoder.layers[0].mlp else { panic!() };
        assert_eq!(experts[0].up.weight.dtype, Dtype::F8E4M3);
        let tokens = golden.sequence();
        let want = logits(&open_folder(wide.path()).unwrap(), &tokens);
        assert_eq!(logits(&opened, &tokens), want, "the same numbers, computed in the same way");
        assert!(difference(&want, &golden.logits) > 1e-2);
    }
    let config = |change: fn(&mut serde_json::Value)| {
        let path = narrow.path().join("config.json");
        let mut config = golden.config.clone();
        config["quantization_config"] = json!({ "quant_method": "fp8", "weight_block_size": [24, 40] });
        change(&mut config["quantization_config"]);
        std::fs::write(path, config.to_string()).unwrap();
        open_folder(narrow.path())
    };
    // The last ones stored are those by row, which need no block to be named.
    assert!(config(|_| ()).is_ok());
    refused(config(|q| q["quant_method"] = json!("awq")), &["config.json", "quant_method", "`awq`"]);
    refused(config(|q| q["weight_block_size"] = json!([0, 4])), &["config.json", "weight_block_size", "a 0"]);
    refused(config(|q| q["weight_block_size"] = json!([4])), &["config.json", "weight_block_size"]);
}

#[test]
fn what_tekken_json_may_not_say() {
    let golden = Golden::read("ministral3");
    let folder = tempfile::tempdir().unwrap();
    consolidated(&golden, folder.path(), false);
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut tekken = tekken_json();
        change(&mut tekken);
        std::fs::write(folder.path().join("tekken.json"), tekken.to_string()).unwrap();
        open_folder(folder.path())
    };
    let specials = "default_num_special_tokens";
    refused(with(&|t| t["config"][specials] = json!(1u64 << 40)), &["tekken.json", specials, "1099511627776 of 296"]);
    refused(with(&|t| t["config"]["default_vocab_size"] = json!(500)), &["vocab", "a token for each id", "264"]);
    refused(with(&|t| t["vocab"][3]["rank"] = json!(9)), &["vocab[3].rank", "found 9"]);
    refused(with(&|t| t["vocab"][3]["token_bytes"] = json!("é")), &["vocab[3].token_bytes", "base64"]);
    refused(with(&|t| t["vocab"][3]["token_bytes"] = json!("AA==")), &["vocab[3].token_bytes", "of its own"]);
    refused(with(&|t| t["special_tokens"][1]["rank"] = json!(32)), &["special token `<s>`", "32"]);
    refused(with(&|t| t["special_tokens"][1]["token_str"] = json!("[S]")), &["a special token `<s>`", "none"]);
    refused(with(&|t| t["config"]["pattern"] = json!("(")), &["config.pattern", "regular expression"]);
}

#[test]
fn what_params_json_may_not_say() {
    let golden = Golden::read("ministral3");
    let folder = tempfile::tempdir().unwrap();
    consolidated(&golden, folder.path(), false);
    let path = folder.path().join("params.json");
    let good: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut params = good.clone();
        change(&mut params);
        std::fs::write(&path, params.to_string()).unwrap();
        open_folder(folder.path())
    };
    refused(with(&|p| p["moe"] = json!({ "num_experts": 8 })), &["params.json", "moe"]);
    refused(with(&|p| p["n_heads"] = json!(0)), &["params.json", "n_heads", "found 0"]);
    refused(with(&|p| p["dim"] = json!("wide")), &["params.json", "dim"]);
    refused(with(&|p| p["quantization"] = json!({ "qformat_weight": "nvfp4" })), &["qformat_weight", "nvfp4"]);
    refused(with(&|p| p["llama_4_scaling"]["beta"] = json!(-1.0)), &["llama_4_scaling.beta", "positive"]);
}

/// A third of a model.
fn part(whole: &Writer, number: usize) -> Writer {
    let mut gguf = if number == 0 { whole.clone() } else { Writer::default() };
    gguf.tensors = whole.tensors.iter().skip(number).step_by(3).cloned().collect();
    gguf.set("split.no", Meta::U32(number as u32));
    gguf.set("split.count", Meta::U32(3));
    gguf.set("split.tensors.count", Meta::U32(whole.tensors.len() as u32));
    gguf
}

/// Writes a model in three files, of which it gives the first, the second and the third.
pub(super) fn in_three_parts(folder: &Path) -> impl Fn(usize) -> PathBuf + use<> {
    let folder = folder.to_path_buf();
    let path = move |part: usize| folder.join(format!("small-q8-{part:05}-of-00003.gguf"));
    let whole = SMALL.gguf(Dtype::F32);
    (0..3).for_each(|number| part(&whole, number).write(&path(number + 1)));
    path
}

/// Writes a folder with 8-bit floats, scaled by blocks, and a template.
pub(super) fn in_eight_bits(folder: &Path) {
    let golden = Golden::read("qwen3");
    let mut config = golden.config.clone();
    config["quantization_config"] = json!({ "quant_method": "fp8", "weight_block_size": [32, 32] });
    write_folder(folder, &config, &golden.tensors(), Dtype::F32, 1);
    let mut tensors = BTreeMap::new();
    for (name, tensor) in golden.tensors() {
        if tensor.shape.len() == 2 && name.contains("proj") {
            let shape = [tensor.shape[0].div_ceil(32), tensor.shape[1].div_ceil(32)];
            let (stored, scale, _) = eight_bits(&tensor);
            tensors.insert(format!("{name}_scale_inv"), number(scale, &shape));
            tensors.insert(name, stored);
        } else {
            tensors.insert(name, plain(&tensor));
        }
    }
    write(&folder.join("model.safetensors"), &tensors);
    std::fs::write(folder.join("generation_config.json"), r#"{ "eos_token_id": [0, 1], "temperature": 0.7 }"#).unwrap();
    let named =
        json!({ "bos_token": "<|bos|>", "eos_token": { "content": "<|eot|>" }, "chat_template": "{{ messages }}" });
    std::fs::write(folder.join("tokenizer_config.json"), named.to_string()).unwrap();
    let template = "{{ bos_token }}{% for message in messages %}[{{ message.role }}] {{ message['content'] | trim }}{{ eos_token }}\n{% endfor %}{{ tools | tojson }}";
    std::fs::write(folder.join("chat_template.jinja"), template).unwrap();
}

#[test]
fn a_model_in_several_files_is_one() {
    let whole = SMALL.gguf(Dtype::F32);
    let folder = tempfile::tempdir().unwrap();
    let path = in_three_parts(folder.path());
    let part = |number: usize| part(&whole, number);
    let tokens = [1, 40, 41, 33];
    let want = logits(&open(whole.bytes()).unwrap(), &tokens);
    for any in 1..=3 {
        let opened = Checkpoint::open(&ModelSource::Gguf(path(any))).unwrap();
        assert_eq!(logits(&opened, &tokens), want);
    }
    let first = || Checkpoint::open(&ModelSource::Gguf(path(1)));
    part(1).write(&path(3));
    refused(first(), &["00003-of-00003.gguf", "split.no", "part 2 of 3"]);
    let mut less = part(2);
    less.tensors.pop();
    less.write(&path(3));
    refused(first(), &["split.tensors.count"]);
    std::fs::remove_file(path(2)).unwrap();
    refused(first(), &["small-q8-00002-of-00003.gguf", "No such file"]);
    let alone = folder.path().join("alone.gguf");
    part(0).write(&alone);
    refused(Checkpoint::open(&ModelSource::Gguf(alone)), &["alone.gguf", "-00001-of-00003.gguf"]);
}
