//! What the built-in model is known to say: whether this machine computes as it should, whatever model it is to serve.

use pilotlight_engine::Engine;

use super::{Check, known};

/// Beginnings, how many tokens follow, and what these are, greedily: none of less than three in five, so that the rounding of another processor changes nothing. (It is a small model.)
const SAID: [(&str, usize, &str); 5] = [
    ("use std::collections::HashMap;\nuse std::collections::Hash", 5, "Set;\nuse std::"),
    ("assert_eq!(a, 1);\nassert_eq!(b, 2);\nassert_eq!(b, 3", 4, ");\nassert_eq!("),
    ("impl fmt::Display for Error {\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::", 3, "Result {\n       "),
    ("import java.util.List;\nimport java.util.List", 4, ";\nimport java.util"),
    ("#include <stdio.h>\n#include <stdlib", 4, ".h>\n#include <"),
];
/// Bits for a byte of known code, and how far rounding may move them: to half of the digits of its weights, by 0.004.
const BITS: f64 = 1.148;
const MOST_APART: f64 = 0.02;

pub(super) async fn check(engine: &Engine) -> Check {
    let (ok, found) = compared(engine).await.unwrap_or_else(|error| (false, error));
    Check { name: "known answers of ember", ok, found }
}

async fn compared(engine: &Engine) -> Result<(bool, String), String> {
    let tokenizer = engine.tokenizer();
    let (mut right, mut wrong) = (0, String::new());
    for (beginning, tokens, expected) in SAID {
        let prompt: Vec<u32> = engine.info().bos.into_iter().chain(tokenizer.encode(beginning)).collect();
        let said = known::answer(engine, &prompt, tokens).await?;
        let bytes: Vec<u8> = said.ids.iter().flat_map(|&id| tokenizer.bytes(id).iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes);
        right += usize::from(text == expected);
        if text != expected && wrong.is_empty() {
            wrong = format!("; of {beginning:?} expected {expected:?}, found {text:?}");
        }
    }
    let bits = known::reading(engine).await?.own;
    let ok = right == SAID.len() && (bits - BITS).abs() <= MOST_APART;
    let bits = format!("{bits:.3} bits for a byte of Python (expected {BITS} to within {MOST_APART})");
    Ok((ok, format!("{right} of {} as expected, {bits}{wrong}", SAID.len())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use pilotlight_engine::{BackendChoice, EngineOptions, KvChoice, ModelSource};

    /// In every way that there is to compute it here.
    #[tokio::test]
    async fn ember_says_what_it_is_known_to_say() {
        for (backend, kv_dtype) in [
            (BackendChoice::Reference, KvChoice::F16),
            (BackendChoice::Cpu, KvChoice::F16),
            (BackendChoice::Cpu, KvChoice::Bf16),
            (BackendChoice::Cpu, KvChoice::Q8_0),
        ] {
            let options = EngineOptions { backend, kv_dtype, ..EngineOptions::default() };
            let engine = Engine::load_with(&ModelSource::Ember, &options).unwrap();
            let check = check(&engine).await;
            println!("{backend:?} {kv_dtype:?}: {}", check.found);
            assert!(check.ok, "{backend:?} {kv_dtype:?}: {}", check.found);
            for check in known::of_engine(&engine).await {
                println!("  {}: {}", check.name, check.found);
                assert!(check.ok, "{}: {}", check.name, check.found);
            }
        }
    }
}
