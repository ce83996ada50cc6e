//! One file into the index, read safely.

use std::{
    fs,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::RwLock,
};

use super::{hash, modified, read, write};
use crate::{
    Document, Language, Snapshot,
    index::{Exclusion, Index, Stamp, facts, rules},
};

/// Whether a file had to be read and parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// Its facts are new.
    Indexed,
    /// Its text is the one that was indexed.
    Same,
}

/// Brings one file up to date; one that is to be left out is taken out of the index. The rest of the index stays as it is.
pub fn update(index: &RwLock<Index>, root: u32, path: &str, most_bytes: u64) -> Result<Updated, Exclusion> {
    let folder = read(index).root(root).unwrap_or(Path::new("")).to_owned();
    let made = make(&folder, path, most_bytes, |stamp| {
        let index = read(index);
        let known = index.find(root, path).and_then(|id| index.file(id));
        known.is_some_and(|file| (file.stamp.size, file.stamp.hash) == (stamp.size, stamp.hash))
    });
    match made {
        Ok((stamp, Some(facts))) => {
            write(index).put(root, path, stamp, facts);
            Ok(Updated::Indexed)
        }
        Ok((stamp, None)) => {
            let mut index = write(index);
            if let Some(id) = index.find(root, path) {
                index.restamp(id, stamp);
            }
            Ok(Updated::Same)
        }
        Err(why) => {
            write(index).remove(root, path);
            Err(why)
        }
    }
}

/// Puts the state of an open document in, whatever the disk has.
pub fn overlay(index: &RwLock<Index>, root: u32, path: &str, snapshot: &Snapshot) {
    let text = snapshot.rope().to_string();
    // No file's time: the next look at the disk compares the text.
    let stamp = Stamp { modified: 0, size: text.len() as u64, hash: hash(&text) };
    let same = |index: &Index| {
        index.find(root, path).and_then(|id| index.file(id)).is_some_and(|file| file.stamp.hash == stamp.hash)
    };
    if same(&read(index)) {
        return;
    }
    if let Ok(facts) = guarded(path, || facts(snapshot)) {
        write(index).put(root, path, stamp, facts);
    }
}

/// Has `make` look into a file. A panic in there costs this file, and not the thread that all other files and clients need.
pub(in crate::index) fn guarded<T>(path: &str, make: impl FnOnce() -> T) -> Result<T, Exclusion> {
    // Nothing that `make` may leave half done outlives it.
    catch_unwind(AssertUnwindSafe(make)).map_err(|_| {
        tracing::error!(path, "looking into a file failed: the index does without it");
        Exclusion::Failed
    })
}

type Made = (Stamp, Option<facts::Facts<String>>);

/// Reads and parses a file, unless `known` says of its stamp that there is no need.
fn make(root: &Path, path: &str, most_bytes: u64, known: impl Fn(Stamp) -> bool) -> Result<Made, Exclusion> {
    let full = &root.join(path);
    if let Some(why) = rules::vendored(path) {
        return Err(why);
    }
    if rules::holds_credentials(full) {
        return Err(Exclusion::Credentials);
    }
    // As in a scan, no link is followed, and no cache looked into.
    let kind = fs::symlink_metadata(full).map_err(|error| Exclusion::Unreadable(error.to_string()))?;
    if !kind.is_file() {
        return Err(Exclusion::Unreadable("not a file".to_owned()));
    }
    let made = full.ancestors().skip(1).take_while(|folder| *folder != root).find(|folder| rules::is_cache(folder));
    if let Some(made) = made.and_then(Path::file_name) {
        return Err(Exclusion::Vendored(made.to_string_lossy().into_owned()));
    }
    let language = Language::from_path(full);
    if language == Language::Plain {
        return Err(Exclusion::Plain);
    }
    let (stamp, text) = read_stable(full, most_bytes)?;
    if known(stamp) {
        return Ok((stamp, None));
    }
    if text.as_bytes().contains(&0) {
        return Err(Exclusion::Binary);
    }
    if rules::is_generated(&text) {
        return Err(Exclusion::Generated);
    }
    if rules::is_minified(path, &text) {
        return Err(Exclusion::Minified);
    }
    let facts = guarded(path, || facts(&Document::open(language, 0, &text).snapshot()))?;
    Ok((stamp, Some(facts)))
}

/// A file's text, read while its size and time stood still.
pub fn read_stable(full: &Path, most_bytes: u64) -> Result<(Stamp, String), Exclusion> {
    let unreadable = |error: std::io::Error| Exclusion::Unreadable(error.to_string());
    for _ in 0..2 {
        let file = fs::File::open(full).map_err(unreadable)?;
        let before = file.metadata().map_err(unreadable)?;
        if !before.is_file() {
            return Err(Exclusion::Unreadable("not a file".to_owned()));
        }
        if before.len() > most_bytes {
            return Err(Exclusion::Large { size: before.len(), limit: most_bytes });
        }
        let mut bytes = Vec::with_capacity(before.len() as usize + 1);
        // One byte more than allowed, so that one that grows is seen and not swallowed.
        (&file).take(most_bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let after = fs::metadata(full).map_err(unreadable)?;
        let still =
            before.len() == after.len() && bytes.len() as u64 == before.len() && modified(&before) == modified(&after);
        if still {
            let text = String::from_utf8(bytes).map_err(|_| Exclusion::Binary)?;
            let stamp = Stamp { modified: modified(&before), size: before.len(), hash: hash(&text) };
            return Ok((stamp, text));
        }
    }
    tracing::warn!(path = %full.display(), "a file changes while it is read: left out until it rests");
    Err(Exclusion::Changing)
}
