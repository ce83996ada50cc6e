//! What was searched lately, so that an offer that is taken is not searched for again.

use std::{collections::VecDeque, path::PathBuf};

use super::{DefinitionChange, Offer, request::Reach};
use crate::{DocumentId, indexing::Indexing};

/// Offers that are remembered: those of one look at a document's actions, and a few more.
const MOST: usize = 8;

/// All that the outcome of a search depends on, beside the files on the disk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) document: DocumentId,
    pub(super) change: DefinitionChange,
    pub(super) reach: Reach,
    pub(super) roots: Vec<PathBuf>,
    /// Of every open file, when its calls were settled and now.
    pub(super) revisions: Vec<(DocumentId, u64, u64)>,
    pub(super) index: u64,
}

/// See the module; the latest last.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    offers: VecDeque<(Key, Offer)>,
    /// How often there was nothing remembered.
    pub(crate) searched: usize,
}

impl Remembered {
    /// The offer of the same search, if the files in it are on the disk as they were.
    pub(super) fn find(&self, key: &Key, indexing: &Indexing) -> Option<Offer> {
        let (_, offer) = self.offers.iter().find(|(known, _)| known == key)?;
        let stands = offer.set.files.iter().all(|file| match (&file.document, &file.path) {
            (None, Some(path)) => {
                indexing.text_of(&key.roots, path).is_some_and(|text| file.before.rope() == text.as_str())
            }
            _ => true,
        });
        stands.then(|| offer.clone())
    }

    pub(super) fn add(&mut self, key: Key, offer: Offer) {
        self.searched += 1;
        self.offers.retain(|(known, _)| *known != key);
        if self.offers.len() == MOST {
            self.offers.pop_front();
        }
        self.offers.push_back((key, offer));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, sync::Arc};

    use pilotlight_engine::EngineError;
    use pilotlight_syntax::{Change, Language, PositionEncoding};
    use tokio_util::sync::CancellationToken;

    use crate::{Assistant, DocumentId, Options, Workspace};

    #[tokio::test]
    async fn nothing_is_searched_twice_unless_something_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (geo, lib) = (root.join("geo.rs"), root.join("lib.rs"));
        let text = "pub fn area() {}\n";
        fs::write(&geo, text).unwrap();
        fs::write(&lib, "mod geo;\nfn one() { geo::area() }\n").unwrap();
        let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("none".into())));
        assistant.set_workspace(Workspace::new(Options::default(), [root]));
        let document: DocumentId = Arc::from("geo");
        assistant.open(document.clone(), Some(geo), Language::Rust, 1, text);
        let set = |text: &str| {
            let change = Change { span: None, text: text.to_owned() };
            assistant.change(&document, 2, &[change], PositionEncoding::Utf8).unwrap();
        };
        let carried = async || {
            let change = assistant.changes_of(&document).unwrap().remove(0);
            let revision = assistant.snapshot(&document).unwrap().revision();
            let offer = assistant.propagate(&document, revision, change, CancellationToken::new()).await.unwrap();
            (offer.set.counts().0, assistant.remembered().searched)
        };
        set("pub fn size() {}\n");
        assert_eq!(carried().await, (1, 1));
        assert_eq!(carried().await, (1, 1));
        // The file on the disk is another, though the index may not know yet.
        fs::write(&lib, "mod geo;\nfn one() { geo::area(); geo::area() }\n").unwrap();
        assert_eq!(carried().await, (2, 2));
        set("pub fn size() {}\n\n");
        assert_eq!(carried().await, (2, 3));
    }
}
