//! Tests of `snapshot`.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Engine, EngineOptions, Event, KvChoice, Request, fixture::LLAMA, weights::Dtype};

/// A folder with a tiny model, and options that put snapshots beside it.
fn place() -> (tempfile::TempDir, ModelSource, EngineOptions) {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("tiny.gguf");
    LLAMA.gguf(Dtype::Q8_0).write(&model);
    let snapshot_folder = Some(folder.path().join("snapshots"));
    let options = EngineOptions { threads: 1, snapshot_folder, kv_memory_mib: 8, ..EngineOptions::default() };
    (folder, ModelSource::Gguf(model), options)
}

/// Tokens reused, tokens computed, and what was said.
fn ask(engine: &Engine, prompt: &[u32]) -> (usize, usize, Vec<u32>) {
    let mut events = engine.submit(Request { prompt: prompt.to_vec(), max_tokens: 5, ..Request::default() });
    let (mut counts, mut said) = ((0, 0), vec![]);
    while let Some(event) = events.blocking_recv() {
        match event {
            Event::Prefilled(prefill) => counts = (prefill.reused, prefill.prefilled),
            Event::Token(token) => said.push(token.id),
            Event::Done(_) => {}
            Event::Failed(message) => panic!("{message}"),
        }
    }
    (counts.0, counts.1, said)
}

fn prompt(seed: u32, length: u32) -> Vec<u32> {
    (0..length).map(|i| 40 + (i * i * 7 + i * seed + seed) % 200).collect()
}

fn files(options: &EngineOptions) -> Vec<PathBuf> {
    let folder = fs::read_dir(options.snapshot_folder.as_ref().unwrap());
    folder.map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
}

#[test]
fn a_restart_computes_only_what_is_new_and_says_the_same() {
    let (_folder, model, options) = place();
    let (one, two) = (prompt(1, 300), [&prompt(1, 150)[..], &prompt(5, 60)].concat());
    let first = Engine::load_with(&model, &options).unwrap();
    let expected = [&one, &two].map(|prompt| ask(&first, prompt).2);
    let bytes = first.save().unwrap();
    std::mem::forget(first);
    let [file] = &files(&options)[..] else { panic!("{:?}", files(&options)) };
    assert_eq!(fs::metadata(file).unwrap().len(), bytes);
    #[cfg(unix)]
    for (path, mode) in [(file.as_path(), 0o600), (options.snapshot_folder.as_deref().unwrap(), 0o700)] {
        let found = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
        assert_eq!(found & 0o777, mode, "{}", path.display());
    }

    let second = Engine::load_with(&model, &options).unwrap();
    for (prompt, said) in [&one, &two].into_iter().zip(expected) {
        assert_eq!(ask(&second, prompt), (prompt.len() - 1, 1, said));
    }
    let hits = second.figures().cache.hits;
    assert_eq!((hits.restored, hits.none), (2, 0));
    // Without a folder, and with none allowed, there is none.
    let (nowhere, none) = (
        EngineOptions { snapshot_folder: None, ..options.clone() },
        EngineOptions { snapshot_mib: 0, ..options.clone() },
    );
    for options in [nowhere, none] {
        let cold = Engine::load_with(&model, &options).unwrap();
        assert_eq!((cold.save().unwrap(), ask(&cold, &one).0), (0, 0));
    }
}

/// Pages of both have as many bytes.
#[test]
fn kv_of_another_type_is_not_taken_for_its_own() {
    let (_folder, model, options) = place();
    let first = Engine::load_with(&model, &options).unwrap();
    ask(&first, &prompt(1, 100));
    first.save().unwrap();
    std::mem::forget(first);
    let options = EngineOptions { kv_dtype: KvChoice::Bf16, ..options };
    assert_eq!(ask(&Engine::load_with(&model, &options).unwrap(), &prompt(1, 100)).0, 0);
}

#[test]
fn every_part_of_a_model_is_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let parts = [1, 2].map(|part| folder.path().join(format!("tiny-{part:05}-of-00002.gguf")));
    parts.iter().for_each(|path| fs::write(path, "one").unwrap());
    let model = ModelSource::Gguf(parts[0].clone());
    let before = content(&model).unwrap();
    fs::write(&parts[1], "two").unwrap();
    assert_ne!(content(&model).unwrap(), before);
}

#[test]
fn the_last_handles_end_saves_too() {
    let (_folder, model, options) = place();
    let first = Engine::load_with(&model, &options).unwrap();
    ask(&first, &prompt(1, 100));
    drop(first);
    // Its thread ends by itself.
    while files(&options).iter().all(|path| path.extension().is_none_or(|extension| extension != "kv")) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(ask(&Engine::load_with(&model, &options).unwrap(), &prompt(1, 100)).1, 1);
}

#[test]
fn a_file_that_is_not_as_it_should_be_counts_as_none() {
    let (_folder, model, options) = place();
    let first = Engine::load_with(&model, &options).unwrap();
    let said = ask(&first, &prompt(1, 200)).2;
    first.save().unwrap();
    // Its end must not save over what this test spoils.
    std::mem::forget(first);
    let path = files(&options).remove(0);
    let good = fs::read(&path).unwrap();
    let with = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let sealed = |mut bytes: Vec<u8>| {
        let checksum = Sha256::digest(&bytes);
        bytes.extend(&checksum[..]);
        bytes
    };
    let body = &good[..good.len() - CHECKSUM];
    let header = |from: &str, to: &str| {
        let length = u64::from_le_bytes(body[8..16].try_into().unwrap()) as usize;
        let text = std::str::from_utf8(&body[16..16 + length]).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        let text = text.replacen(from, to, 1);
        sealed([&MAGIC[..], &(text.len() as u64).to_le_bytes(), text.as_bytes(), &body[16 + length..]].concat())
    };
    for (what, bytes) in [
        ("nothing", vec![]),
        ("a beginning", good[..good.len() / 2].to_vec()),
        ("all but a byte", good[..good.len() - 1].to_vec()),
        ("a bit in the header", with(40)),
        ("a bit in a page", with(good.len() / 2)),
        ("a bit in the checksum", with(good.len() - 1)),
        ("another format", sealed([b"PLKVxxxx", &body[8..]].concat())),
        ("a header past the end", sealed([&MAGIC[..], &u64::MAX.to_le_bytes(), &body[16..]].concat())),
        ("no header", sealed(MAGIC.to_vec())),
        ("a page too few", sealed(body[..body.len() - 1000].to_vec())),
        ("another page size", header("\"page_bytes\":", "\"page_bytes\":1")),
        ("a parent that comes later", header("\"parent\":0", "\"parent\":3")),
        ("a token of another vocabulary", header("\"tokens\":[", "\"tokens\":[99999,")),
        ("no tree", sealed(b"{}".to_vec())),
    ] {
        fs::write(&path, bytes).unwrap();
        let engine = Engine::load_with(&model, &options).unwrap();
        assert_eq!(ask(&engine, &prompt(1, 200)), (0, 200, said.clone()), "{what}");
        std::mem::forget(engine);
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(ask(&Engine::load_with(&model, &options).unwrap(), &prompt(1, 200)), (199, 1, said));
}

#[test]
fn another_model_has_another_file_and_few_are_kept() {
    let (folder, _, options) = place();
    for dtype in [Dtype::Q8_0, Dtype::F16, Dtype::Q4_0, Dtype::Q4_K, Dtype::Q6_K, Dtype::F32] {
        let path = folder.path().join(format!("{dtype}.gguf"));
        LLAMA.gguf(dtype).write(&path);
        let engine = Engine::load_with(&ModelSource::Gguf(path), &options).unwrap();
        assert_eq!(ask(&engine, &prompt(1, 100)).0, 0, "{dtype}");
        assert!(engine.save().unwrap() > 0);
        std::mem::forget(engine);
    }
    assert_eq!(files(&options).len(), 1 + OTHERS);
}

#[test]
fn no_more_than_its_most_is_written_and_the_best_of_it() {
    let (_folder, model, options) = place();
    let options = EngineOptions { snapshot_mib: 1, ..options };
    let engine = Engine::load_with(&model, &options).unwrap();
    // A page is 128 KiB: eight fit, two documents of three and something.
    for seed in [1, 2, 3, 4, 5, 6, 3, 3, 3, 3] {
        ask(&engine, &prompt(seed, 192));
    }
    let bytes = engine.save().unwrap();
    assert!((1 << 19..(1 << 20) + 20_000).contains(&bytes), "{bytes}");
    std::mem::forget(engine);
    let engine = Engine::load_with(&model, &options).unwrap();
    assert_eq!(ask(&engine, &prompt(3, 192)).0, 191);
}
