//! What tests/parity compares with genuine llama.cpp and with reference tokenizers:
//!
//! `parity tokenize FILE` reads JSON strings, one a line, and writes their token ids as JSON arrays. FILE is a `.gguf`, `tekken.json` or
//! `tokenizer.json`. `parity greedy FILE BACKEND COUNT` reads one JSON array of token ids and writes the COUNT that follow greedily, and the
//! logits after the prompt. FILE is a `.gguf` or a folder; BACKEND is `reference` or `cpu`.

use std::{
    error::Error,
    io::{BufRead, Write, stdin, stdout},
    path::Path,
};

use pilotlight_engine::{
    ModelSource, Tokenizer,
    backend::{Backend, Logits, PAGE, cpu::Cpu, reference::Reference},
    checkpoint::Checkpoint,
    weights::gguf::Gguf,
};
use pilotlight_kernels::cpu::KvDtype;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tokenize", file] => tokenize(Path::new(file)),
        ["greedy", file, backend, count] => greedy(Path::new(file), backend, count.parse()?),
        _ => Err("expected `tokenize FILE` or `greedy FILE BACKEND COUNT`".into()),
    }
}

fn tokenize(file: &Path) -> Result<(), Box<dyn Error>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let tokenizer = if name.ends_with(".gguf") {
        Tokenizer::from_gguf(&Gguf::open(file)?)?
    } else if name.contains("tekken") {
        Tokenizer::from_tekken(file, &std::fs::read(file)?)?
    } else {
        Tokenizer::from_json(file, &std::fs::read(file)?)?
    };
    let mut out = std::io::BufWriter::new(stdout().lock());
    for line in stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        writeln!(out, "{}", serde_json::to_string(&tokenizer.encode(&text))?)?;
    }
    Ok(())
}

fn greedy(file: &Path, backend: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let source = match file.is_dir() {
        true => ModelSource::SafeTensors(file.into()),
        false => ModelSource::Gguf(file.into()),
    };
    let decoder = Checkpoint::open(&source)?.decoder;
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    let prompt: Vec<u32> = serde_json::from_str(&line)?;
    let context = prompt.len() + count;
    let mut backend: Box<dyn Backend> = match backend {
        "reference" => Box::new(Reference::new(&decoder, context, context.div_ceil(PAGE), 2)?),
        "cpu" => Box::new(Cpu::new(&decoder, context, context.div_ceil(PAGE), 2, KvDtype::F16)?),
        other => return Err(format!("backend {other}: expected `reference` or `cpu`").into()),
    };
    let pages: Vec<u32> = (0..backend.pages() as u32).collect();
    let first = backend.forward(&pages, 0, &prompt, Logits::Last)?.to_vec();
    let mut ids = vec![argmax(&first)];
    while ids.len() < count {
        let position = prompt.len() + ids.len() - 1;
        let last = ids.last().copied().unwrap_or_default();
        ids.push(argmax(backend.forward(&pages, position, &[last], Logits::Last)?));
    }
    writeln!(stdout(), "{}", serde_json::json!({ "ids": ids, "logits": first }))?;
    Ok(())
}

fn argmax(row: &[f32]) -> u32 {
    (0u32..).zip(row).max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(id, _)| id)
}
