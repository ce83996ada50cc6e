//! The most valuable of the KV cache on disk, so that a restart is warm.
//!
//! A file is for one key: the model's content, its shape, its tokenizer, the way it is computed and how KV is laid out; another key is another file. It is written
//! beside its place and moved there, readable by its owner alone, and its checksum is looked at before anything in it is believed. A file that is not as it should be
//! is as good as none.
//!
//! Layout: [`MAGIC`], the header's length (u64, little-endian), the header (JSON), the pages' bytes in the header's order, SHA-256 of all that.

#[cfg(test)]
mod tests;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    EngineError, EngineOptions, ModelSource, Tokenizer,
    backend::{Backend, PAGE, Page},
    cache::Cache,
    config::DecoderConfig,
    weights::{gguf::parts, map::map},
};

/// The last byte is the layout's version: to be counted up when the kernels' results change too.
const MAGIC: [u8; 8] = *b"PLKV\0\0\0\x01";
const CHECKSUM: usize = 32;
/// Files of other models or versions that are kept beside the newest one.
const OTHERS: usize = 3;
/// Past this a header is not looked at.
const MOST_HEADER: u64 = 1 << 28;

#[derive(Serialize, Deserialize)]
struct Header {
    key: String,
    page_bytes: usize,
    pages: Vec<Saved>,
}

/// A page of the tree.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// The index of the page before it, an earlier one.
    parent: Option<usize>,
    tokens: Vec<u32>,
}

/// Where the snapshots of one model are.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    key: String,
    most_bytes: u64,
    vocab: usize,
}

/// What is to be written.
pub(crate) struct Image(Vec<u8>);

impl Store {
    pub(crate) fn new(folder: &Path, key: String, most_bytes: u64, vocab: usize) -> Self {
        Self { folder: folder.to_path_buf(), key, most_bytes, vocab }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.kv", self.key))
    }

    /// Puts what the file holds into an empty cache; gives the tokens. Whatever is wrong with the file is logged, and it counts as none.
    pub(crate) fn restore(&self, backend: &mut dyn Backend, cache: &mut Cache) -> usize {
        match self.read(backend.page_bytes()) {
            Ok(None) => 0,
            Ok(Some((header, pages))) => self.put(&header, &pages, backend, cache),
            Err(why) => {
                tracing::warn!(file = %self.path().display(), "the KV snapshot is not used: {why}");
                0
            }
        }
    }

    /// The file, checked: the header, and the pages' bytes.
    fn read(&self, page_bytes: usize) -> Result<Option<(Header, Vec<u8>)>, String> {
        let path = self.path();
        let size = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        if size > self.most_bytes + MOST_HEADER {
            return Err(format!("it has {size} bytes: at most {} are expected", self.most_bytes + MOST_HEADER));
        }
        let mut bytes = fs::read(&path).map_err(|error| error.to_string())?;
        let whole = bytes.len().checked_sub(CHECKSUM).ok_or("it is cut short")?;
        if Sha256::digest(&bytes[..whole])[..] != bytes[whole..] {
            return Err("its checksum does not match: it is cut short or damaged".into());
        }
        bytes.truncate(whole);
        let start = MAGIC.len() + size_of::<u64>();
        let length = bytes.get(MAGIC.len()..start).filter(|_| bytes.starts_with(&MAGIC));
        let length = length.and_then(|length| Some(u64::from_le_bytes(length.try_into().ok()?)));
        let length = length.ok_or("it is no snapshot of this version")?;
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
        let header = end.and_then(|end| bytes.get(start..end)).ok_or("its header is cut short")?;
        let header: Header = serde_json::from_slice(header).map_err(|error| error.to_string())?;
        if header.key != self.key || header.page_bytes != page_bytes {
            return Err("it is of another model or version".into());
        }
        let pages = bytes.split_off(start + length as usize);
        if Some(pages.len()) != header.pages.len().checked_mul(page_bytes) {
            return Err(format!("{} pages of {page_bytes} bytes are {}", header.pages.len(), pages.len()));
        }
        for (i, page) in header.pages.iter().enumerate() {
            let follows = page.parent.is_none_or(|parent| parent < i && header.pages[parent].tokens.len() == PAGE);
            let fits = (1..=PAGE).contains(&page.tokens.len());
            if !follows || !fits || page.tokens.iter().any(|&token| token as usize >= self.vocab) {
                return Err(format!("its page {i} is none of a tree of pages"));
            }
        }
        Ok(Some((header, pages)))
    }

    fn put(&self, header: &Header, bytes: &[u8], backend: &mut dyn Backend, cache: &mut Cache) -> usize {
        let (mut pages, mut tokens) = (Vec::<Page>::new(), 0);
        for (saved, bytes) in header.pages.iter().zip(bytes.chunks_exact(header.page_bytes)) {
            let parent = saved.parent.map(|parent| pages[parent]);
            let Some(page) = cache.restore(parent, &saved.tokens) else { break };
            backend.import(page, bytes);
            pages.push(page);
            tokens += saved.tokens.len();
        }
        tracing::info!(tokens, "the KV snapshot of an earlier run is in the cache");
        tokens
    }

    /// Takes what is most valuable out of a cache; `None` where there is nothing, or the backend cannot.
    pub(crate) fn image(&self, backend: &dyn Backend, cache: &Cache) -> Option<Image> {
        let page_bytes = backend.page_bytes();
        let best = cache.best(usize::try_from(self.most_bytes).unwrap_or(usize::MAX) / page_bytes.max(1));
        let pages = best.iter().map(|&(_, parent, tokens)| Saved { parent, tokens: tokens.to_vec() }).collect();
        let header = Header { key: self.key.clone(), page_bytes, pages };
        let header = serde_json::to_vec(&header).ok().filter(|_| !best.is_empty())?;
        let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + header.len() + best.len() * page_bytes + CHECKSUM);
        bytes.extend(MAGIC);
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        best.iter().all(|&(page, ..)| backend.export(page, &mut bytes)).then_some(Image(bytes))
    }

    /// Writes an image in place of the last one. Gives its bytes.
    pub(crate) fn write(&self, image: Image) -> io::Result<u64> {
        let Image(mut bytes) = image;
        let checksum = Sha256::digest(&bytes);
        bytes.extend(&checksum[..]);
        let mut folder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.recursive(true).create(&self.folder)?;
        // A temporary file is its owner's alone.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_data()?;
        file.persist(self.path()).map_err(|error| error.error)?;
        self.forget_old();
        Ok(bytes.len() as u64)
    }

    /// Removes the oldest files of other keys.
    fn forget_old(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let others = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let other = path.extension().is_some_and(|extension| extension == "kv") && path != self.path();
            Some((fs::metadata(&path).ok()?.modified().ok()?, path)).filter(|_| other)
        });
        let mut others: Vec<_> = others.collect();
        others.sort();
        for (_, path) in others.iter().rev().skip(OTHERS) {
            if let Err(error) = fs::remove_file(path) {
                tracing::debug!(file = %path.display(), %error, "an old KV snapshot stays");
            }
        }
    }
}

/// What KV depends on besides the tokens: the weights' content, the model's shape, the tokenizer, the way it is computed and stored.
pub(crate) fn key(
    content: &[u8],
    config: &DecoderConfig,
    tokenizer: &Tokenizer,
    backend: &str,
    options: &EngineOptions,
) -> String {
    let mut hash = Sha256::new();
    // `cpu (avx512-vnni)` and `cpu (avx2)` give the same bits.
    let way = backend.split(' ').next().unwrap_or_default();
    let (kv, fp8) = (options.kv_dtype, options.fp8_inputs);
    let big_endian = cfg!(target_endian = "big");
    hash.update(format!("{} {way} {kv:?} {fp8} {big_endian} {config:?}", env!("CARGO_PKG_VERSION")));
    hash.update(content);
    for id in 0..tokenizer.vocab_size() as u32 {
        hash.update((tokenizer.bytes(id).len() as u32).to_le_bytes());
        hash.update(tokenizer.bytes(id));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A hash of a model's files. Of those past 16 MiB pieces from all over are looked at, not every byte: a model that takes a minute to be read would take
/// another to be hashed.
pub(crate) fn content(source: &ModelSource) -> Result<Vec<u8>, EngineError> {
    let mut hash = Sha256::new();
    match source {
        ModelSource::Ember => hash.update(pilotlight_ember::WEIGHTS),
        ModelSource::Gguf(path) => {
            // A file may be called a part and be whole.
            let all = parts(path).filter(|parts| parts.iter().all(|part| part.exists()));
            for part in all.unwrap_or_else(|| vec![path.clone()]) {
                sample(&mut hash, &map(&part)?);
            }
        }
        ModelSource::SafeTensors(folder) => {
            let io = |source| EngineError::Io { path: folder.clone(), source };
            let entries: Vec<_> = fs::read_dir(folder).map_err(io)?.collect::<Result<_, _>>().map_err(io)?;
            let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
            files.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
            files.sort();
            for path in files {
                sample(&mut hash, &map(&path)?);
            }
        }
    }
    Ok(hash.finalize().to_vec())
}

fn sample(hash: &mut Sha256, bytes: &[u8]) {
    const PIECES: usize = 4096;
    const PIECE: usize = 4096;
    hash.update((bytes.len() as u64).to_le_bytes());
    if bytes.len() <= PIECES * PIECE {
        return hash.update(bytes);
    }
    let step = (bytes.len() - PIECE) / (PIECES - 1);
    (0..PIECES).for_each(|i| hash.update(&bytes[i * step..i * step + PIECE]));
}
