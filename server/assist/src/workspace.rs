//! What one client has open as its project: the folders, and the settings that hold in each.

use std::path::{Path, PathBuf};

use crate::Options;

/// One client's project. Several clients share an engine, and each has its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workspace {
    /// What holds for files outside of the folders, and for unsaved buffers.
    pub options: Options,
    /// The folders; none inside another is the rule, and of those that are the innermost counts.
    pub folders: Vec<Folder>,
}

/// A folder of a workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// Prompts name files from here.
    pub root: PathBuf,
    /// What holds for its files.
    pub options: Options,
}

impl Workspace {
    /// A project of these folders, with the same settings in all.
    pub fn new(options: Options, roots: impl IntoIterator<Item = PathBuf>) -> Self {
        let folders = roots.into_iter().map(|root| Folder { root, options: options.clone() }).collect();
        Self { options, folders }
    }

    /// The settings that hold for a file (`None`: an unsaved buffer).
    pub fn options_for(&self, path: Option<&Path>) -> &Options {
        path.and_then(|path| self.folder_of(path)).map_or(&self.options, |folder| &folder.options)
    }

    /// The file as a prompt names it: from the workspace's folder, with forward slashes; `document` names an unsaved buffer.
    pub(crate) fn prompt_path(&self, path: Option<&Path>, document: &str) -> String {
        let Some(path) = path else {
            return document.rsplit('/').next().unwrap_or("untitled").to_owned();
        };
        let relative = self.folder_of(path).and_then(|folder| path.strip_prefix(&folder.root).ok());
        let named = relative.or_else(|| path.file_name().map(Path::new)).unwrap_or(path);
        named.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// The folder that a file belongs to.
    pub(crate) fn root_of(&self, path: &Path) -> Option<&Path> {
        self.folder_of(path).map(|folder| folder.root.as_path())
    }

    /// What prompts call the project: the name of the folder that `path` is in.
    pub(crate) fn name_of(&self, path: Option<&Path>) -> String {
        let root = path.and_then(|path| self.root_of(path)).or_else(|| Some(self.folders.first()?.root.as_path()));
        root.and_then(Path::file_name)
            .map_or_else(|| "workspace".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    fn folder_of(&self, path: &Path) -> Option<&Folder> {
        let holds = self.folders.iter().filter(|folder| path.starts_with(&folder.root));
        holds.max_by_key(|folder| folder.root.components().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::CompletionOptions;

    fn options(max_tokens: usize) -> Options {
        Options { completion: CompletionOptions { max_tokens, ..CompletionOptions::default() }, ..Options::default() }
    }

    fn tokens(workspace: &Workspace, path: Option<&str>) -> usize {
        workspace.options_for(path.map(Path::new)).completion.max_tokens
    }

    #[test]
    fn the_innermost_folder_counts() {
        let folder = |root: &str, tokens| Folder { root: PathBuf::from(root), options: options(tokens) };
        let folders = vec![folder("/a", 1), folder("/a/b", 2)];
        let workspace = Workspace { options: options(9), folders };
        assert_eq!(tokens(&workspace, Some("/a/x.rs")), 1);
        assert_eq!(tokens(&workspace, Some("/a/b/x.rs")), 2);
        assert_eq!(tokens(&workspace, Some("/ab/x.rs")), 9);
        assert_eq!(tokens(&workspace, None), 9);
        assert_eq!(workspace.prompt_path(Some(Path::new("/a/b/c/x.rs")), "9/file:///a/b/c/x.rs"), "c/x.rs");
        assert_eq!(workspace.prompt_path(Some(Path::new("/else/x.rs")), "9/file:///else/x.rs"), "x.rs");
        assert_eq!(workspace.prompt_path(None, "9/untitled:/Untitled-1"), "Untitled-1");
    }
}
