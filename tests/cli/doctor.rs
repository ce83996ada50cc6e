//! `pilotlight doctor` on ember, and on ember damaged as a converter, a loader or a bad disk damages a model: its weights stay where they are and become others.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

const EMBER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ember/weights/ember.gguf");
const LAYERS: usize = 6;
const QUERY_HEADS: usize = 4;
const KEY_HEADS: usize = 2;

/// Ember's file, and where in it each tensor lies and how many rows it has.
struct Ember {
    bytes: Vec<u8>,
    tensors: BTreeMap<String, (usize, usize, usize)>,
}

impl Ember {
    fn read() -> Self {
        let bytes = bytes::Bytes::from(fs::read(EMBER).unwrap());
        let gguf = pilotlight_engine::weights::gguf::Gguf::parse(Path::new(EMBER), &bytes).unwrap();
        let start = bytes.as_ptr().addr();
        let weights = gguf.weights().unwrap();
        let place = |tensor: &pilotlight_engine::weights::Tensor| {
            let from = tensor.bytes.as_ptr().addr() - start;
            (tensor.name.to_string(), (from, tensor.bytes.len(), tensor.shape[0]))
        };
        let tensors = weights.iter().map(|(_, tensor)| place(tensor)).collect();
        Self { bytes: bytes.to_vec(), tensors }
    }

    /// Puts row `of(row)` into each row's place.
    fn permute(&mut self, name: &str, of: impl Fn(usize) -> usize) {
        let (from, length, rows) = self.tensors[name];
        let before = self.bytes[from..from + length].to_vec();
        let width = length / rows;
        for row in 0..rows {
            self.bytes[from + row * width..][..width].copy_from_slice(&before[of(row) * width..][..width]);
        }
    }

    fn exchange(&mut self, one: &str, other: &str) {
        let ((a, length, _), (b, same, _)) = (self.tensors[one], self.tensors[other]);
        assert_eq!(length, same);
        for i in 0..length {
            self.bytes.swap(a + i, b + i);
        }
    }

    /// The rows of each head in the order of the other way to pair what is rotated.
    fn rotate_otherwise(&mut self, layer: usize) {
        for (part, heads) in [("q", QUERY_HEADS), ("k", KEY_HEADS)] {
            let name = format!("blk.{layer}.attn_{part}.weight");
            let head = self.tensors[&name].2 / heads;
            self.permute(&name, |row| {
                let (start, at) = (row / head * head, row % head);
                start + at % 2 * (head / 2) + at / 2
            });
        }
    }

    fn every_layer(&mut self, damage: impl Fn(&mut Self, usize)) {
        (0..LAYERS).for_each(|layer| damage(self, layer));
    }
}

/// Exit status, and whether each check is content.
fn doctor(file: &Path) -> (i32, BTreeMap<String, (bool, String)>) {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pilotlight"))
        .args(["--model", file.to_str().unwrap(), "doctor", "--json"])
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", home.path().join("cache"))
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let check = |check: &Value| (text(&check["name"]), (check["ok"] == true, text(&check["found"])));
    (output.status.code().unwrap(), report["checks"].as_array().unwrap().iter().map(check).collect())
}

#[test]
fn a_sound_model_passes_and_each_damaged_one_is_found_out() {
    type Damage = fn(&mut Ember);
    // What is done, and the checks of which at least one says so.
    let cases: &[(&str, Damage, &[&str])] = &[
        ("positions rotated in the other style", |e| e.every_layer(Ember::rotate_otherwise), &["looks back"]),
        (
            "rotated at other frequencies",
            |e| {
                let key = b"llama.rope.freq_base";
                let at = e.bytes.windows(key.len()).position(|some| some == key).unwrap() + key.len() + 4;
                assert_eq!(e.bytes[at..at + 4], 10_000f32.to_le_bytes());
                e.bytes[at..at + 4].copy_from_slice(&100f32.to_le_bytes());
            },
            &["looks back"],
        ),
        (
            "two layers exchanged",
            |e| {
                let of: Vec<String> = e.tensors.keys().filter(|name| name.starts_with("blk.1.")).cloned().collect();
                of.iter().for_each(|name| e.exchange(name, &name.replace("blk.1.", "blk.4.")));
            },
            &["looks back"],
        ),
        ("ids one off", |e| e.permute("token_embd.weight", |row| row.saturating_sub(1)), &["knows code"]),
        (
            "gate and up exchanged",
            |e| {
                e.every_layer(|e, i| e.exchange(&format!("blk.{i}.ffn_gate.weight"), &format!("blk.{i}.ffn_up.weight")))
            },
            &["knows code"],
        ),
        (
            "keys of the wrong group of heads",
            |e| e.every_layer(|e, i| e.permute(&format!("blk.{i}.attn_k.weight"), |row| (row + 64) % 128)),
            &["knows code", "looks back"],
        ),
        (
            "rows of the attention's output in any order",
            |e| e.every_layer(|e, i| e.permute(&format!("blk.{i}.attn_output.weight"), |row| row * 7 % 256)),
            &["knows code", "looks back", "fills a hole"],
        ),
        (
            "a third of the weights quantised with the wrong sign",
            |e| {
                e.every_layer(|e, layer| {
                    for part in ["attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"] {
                        let (from, length, _) = e.tensors[&format!("blk.{layer}.{part}.weight")];
                        // The scale that leads each block of 34 bytes stays a number.
                        let weights = (0..length).filter(|at| at % 34 > 1);
                        weights.step_by(3).for_each(|at| e.bytes[from + at] = e.bytes[from + at].wrapping_neg());
                    }
                });
            },
            &["knows code"],
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.gguf");
    let (status, checks) = doctor(Path::new(EMBER));
    assert_eq!(status, 0, "{checks:#?}");
    assert_eq!(checks.len(), 9, "{checks:#?}");
    for (what, damage, by) in cases {
        let mut ember = Ember::read();
        damage(&mut ember);
        fs::write(&file, &ember.bytes).unwrap();
        let (status, checks) = doctor(&file);
        let known = ["knows code", "looks back", "fills a hole"].map(|name| format!("{name}: {:?}", checks[name]));
        println!("{what}: status {status}\n  {}", known.join("\n  "));
        assert_eq!(status, 1, "{what}: {checks:#?}");
        assert!(by.iter().all(|name| !checks[*name].0), "{what}: {checks:#?}");
        // What does not depend on the weights is as it was: the machine computes well.
        for name in ["tokenizer round trip", "step by step as at once", "warm as cold", "known answers of ember"] {
            assert!(checks[name].0, "{what}: {name}: {}", checks[name].1);
        }
    }
}
