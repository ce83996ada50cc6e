//! What a chat model is shown beside the file: what the lines in question use, and what else of the workspace may be of use for them.

use std::{ops::Range, path::PathBuf, time::Duration};

use pilotlight_context::{
    Excerpt, Surroundings, TokenCounter,
    about::{About, excerpts},
};
use pilotlight_engine::Engine;

use super::request::Home;
use crate::Assistant;

/// Of the tokens that an action may show, the share for excerpts where no setting says.
const SHARE: usize = 4;
/// Nobody waits longer for the index of a large workspace: then it is asked without, or with what is known by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts in a model's tokens.
struct Counter<'a>(&'a Engine);

impl TokenCounter for Counter<'_> {
    fn count(&self, text: &str) -> usize {
        let tokens = |bytes: f32| (text.len() as f32 / bytes).ceil() as usize;
        self.0.bytes_per_token().map_or_else(|| self.0.tokenizer().encode(text).len(), tokens)
    }
}

impl Assistant {
    /// The workspace read, if it has to be, for a file in it.
    pub(super) async fn indexed(&self, home: &Home) {
        let workspace = self.workspace();
        let inside = home.path.as_deref().is_some_and(|path| workspace.root_of(path).is_some());
        let roots: Vec<PathBuf> = workspace.folders.iter().map(|folder| folder.root.clone()).collect();
        if inside && tokio::time::timeout(PATIENCE, self.indexing_ready(&roots)).await.is_err() {
            tracing::info!("the workspace is still being read: an action goes without the rest of it");
        }
    }

    /// Excerpts for `lines` of a file, of which bytes `shown` are shown anyway.
    pub(super) async fn excerpts(&self, home: &Home, lines: &Range<usize>, shown: Range<usize>) -> Vec<Excerpt> {
        let workspace = self.workspace();
        let set = workspace.options_for(home.path.as_deref()).completion.repository_tokens;
        let budget = set.unwrap_or(home.options.context_tokens / SHARE).min(home.options.context_tokens / 2);
        let Some(path) = home.path.as_deref().filter(|path| budget > 0 && workspace.root_of(path).is_some()) else {
            return Vec::new();
        };
        self.indexed(home).await;
        let Ok(engine) = self.talker().await else { return Vec::new() };
        let roots: Vec<PathBuf> = workspace.folders.iter().map(|folder| folder.root.clone()).collect();
        let may_show = |full: &Option<PathBuf>| self.may_show(full.as_deref());
        let (edits, places) = {
            let trail = self.trail();
            (trail.edits(may_show), trail.places(may_show))
        };
        let reading = self.indexing_of().read(roots);
        let file = workspace.root_of(path).and_then(|root| reading.file(root, path));
        let around =
            Surroundings { index: &reading.index, texts: &reading, file, edits: &edits, viewed: &places, notes: &[] };
        let named = workspace.prompt_path(Some(path), &home.document);
        let about = About { path: &named, snapshot: &home.snapshot, lines: lines.clone(), shown };
        let found = excerpts(&about, &around, budget, &Counter(engine));
        let told: Vec<_> =
            found.iter().map(|it| format!("{} {}:{}", it.id.source.name(), it.id.path, it.id.line + 1)).collect();
        tracing::debug!(excerpts = told.join(", "), "what an action shows of the workspace");
        found
    }
}
