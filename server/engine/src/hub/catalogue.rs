//! The models that are known by name: `catalogue.toml`, read.

use serde::{Deserialize, Serialize};

/// One model that is known by name.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What `--model` takes.
    pub name: String,
    /// In a line.
    pub about: String,
    /// On the hub: `owner/name`.
    pub repository: String,
    /// A commit, or a branch that is pinned when it is pulled.
    pub revision: String,
    /// What of this entry was checked against what is public, and what was not.
    pub checked: String,
    /// Exact names, or an ending behind a star, or a beginning and an ending around one.
    pub files: Vec<String>,
    /// About how many bytes they are.
    pub bytes: u64,
    /// The longest sequence in tokens.
    pub context: usize,
    /// `psm`, `spm` or `none`.
    pub order: String,
    /// GiB of free memory that it wants.
    pub memory: f64,
    /// Whether its owner has to let a person in first.
    #[serde(default)]
    pub gated: bool,
    /// Its name.
    pub licence: String,
    /// What it asks of a person, in plain words.
    pub conditions: String,
}

#[derive(Deserialize)]
struct File {
    model: Vec<Entry>,
}

/// All of them, in the file's order.
pub fn entries() -> Vec<Entry> {
    // It is in the binary, and a test reads it.
    toml::from_str::<File>(include_str!("catalogue.toml")).map(|file| file.model).unwrap_or_default()
}

/// One by its name.
pub fn find(name: &str) -> Option<Entry> {
    entries().into_iter().find(|entry| entry.name == name)
}

impl Entry {
    /// Whether its revision is a commit, which then is the one that is pulled.
    pub fn is_pinned(&self) -> bool {
        self.revision.len() == 40 && self.revision.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Whether a file of the repository belongs to it. What stands in folders does not.
    pub(super) fn wants(&self, path: &str) -> bool {
        self.files.iter().any(|pattern| match pattern.split_once('*') {
            None => path == pattern,
            Some((start, end)) => {
                path.len() >= start.len() + end.len()
                    && path.starts_with(start)
                    && path.ends_with(end)
                    && !path.contains('/')
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_file_reads_and_says_what_a_person_needs() {
        let all = toml::from_str::<File>(include_str!("catalogue.toml")).unwrap().model;
        assert!(all.len() > 10);
        for (at, entry) in all.iter().enumerate() {
            let Entry { name, repository, conditions, order, memory, bytes, .. } = entry;
            assert!(all[..at].iter().all(|other| other.name != *name), "{name} twice");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)),
                "{name}"
            );
            assert_eq!(repository.split('/').count(), 2, "{name}");
            assert!(conditions.ends_with('.') && ["psm", "spm", "none"].contains(&order.as_str()), "{name}");
            assert!(entry.is_pinned() || entry.revision == "main", "{name}");
            assert!(entry.checked.ends_with('.') && (entry.is_pinned() || entry.checked.contains("commit")), "{name}");
            // Room for the weights at the least.
            assert!(*memory * f64::from(1 << 30) > *bytes as f64, "{name}");
        }
        let large = find("devstral-2").unwrap();
        assert!(large.conditions.contains("20 million US dollars a month"));
        assert!(find("codestral-22b").unwrap().conditions.contains("research, tests and evaluation only"));
        assert!(large.wants("model-00001-of-00026.safetensors") && large.wants("config.json"));
        assert!(!large.wants("consolidated-00001-of-00026.safetensors") && !large.wants("sub/config.json"));
    }
}
