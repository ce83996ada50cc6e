//! What is left out of the index and of every prompt: ignored files, credentials, and what nobody wrote by hand.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ignore::{
    WalkBuilder,
    gitignore::{Gitignore, GitignoreBuilder, gitconfig_excludes_path},
};

/// Files that say what is to be left out, in the syntax of `.gitignore`; deeper folders and later lines win.
pub const IGNORE_FILES: [&str; 6] =
    [".gitignore", ".ignore", ".pilotlightignore", ".aiexclude", ".cursorignore", ".copilotignore"];

/// Git's own lists, which say less than any `.gitignore`: a repository's, and the user's for all repositories.
const GIT_LISTS: usize = 2;

/// How long a folder's ignore files are believed unchanged.
const FRESH: Duration = Duration::from_secs(2);

/// The place of `.gitignore` among the [`IGNORE_FILES`].
const GITIGNORE: usize = 0;

/// Folders of other people's or of made files, wherever they are.
const VENDORED: [&str; 12] = [
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    "bower_components",
    "vendor",
    "third_party",
    "third-party",
    "site-packages",
    "__pycache__",
    ".venv",
    ".tox",
];

/// Why a file is left out.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Exclusion {
    /// By an ignore file.
    #[error("{list} excludes it")]
    Ignored {
        /// The file that says so.
        list: PathBuf,
    },
    /// By its name.
    #[error("by its name it holds credentials")]
    Credentials,
    /// In a folder of other people's code.
    #[error("it lies in {0:?}, a folder of code from elsewhere")]
    Vendored(String),
    /// Over the limit.
    #[error("it has {size} bytes, over the limit of {limit}")]
    Large {
        /// Its bytes.
        size: u64,
        /// [`super::Limits::file_bytes`].
        limit: u64,
    },
    /// Not UTF-8, or with NUL bytes.
    #[error("it is not UTF-8 text")]
    Binary,
    /// It says so in its first lines.
    #[error("it says that it is generated")]
    Generated,
    /// Lines far longer than a person writes.
    #[error("it is minified")]
    Minified,
    /// In no language with a grammar.
    #[error("its language has no grammar here")]
    Plain,
    /// Two reads differed, twice.
    #[error("it changes while it is read")]
    Changing,
    /// The system says no.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// An error of this program's own.
    #[error("looking into it failed, which is an error here")]
    Failed,
    /// Not UTF-8.
    #[error("its name is not UTF-8")]
    Name,
    /// More files than the index may hold.
    #[error("the index holds its most files already")]
    Full,
}

impl Exclusion {
    /// Whether it is left out because it does not belong into the repository, and not because no model is to see it.
    pub fn is_by_git(&self) -> bool {
        let Self::Ignored { list } = self else { return false };
        !IGNORE_FILES[2..].iter().any(|name| list.ends_with(name))
    }

    /// In one word, for counts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ignored { .. } => "ignored",
            Self::Credentials => "credentials",
            Self::Vendored(_) => "vendored",
            Self::Large { .. } => "large",
            Self::Binary => "binary",
            Self::Generated => "generated",
            Self::Minified => "minified",
            Self::Plain => "other languages",
            Self::Changing => "changing",
            Self::Unreadable(_) => "unreadable",
            Self::Failed => "failed",
            Self::Name => "names that are not UTF-8",
            Self::Full => "past the limit of files",
        }
    }
}

/// Ignore files as they were read, folder by folder.
#[derive(Debug)]
pub struct Rules {
    // A std mutex: held while the few ignore files above one path are looked up.
    folders: Mutex<HashMap<(PathBuf, bool), Read>>,
    /// Git's `core.excludesFile`.
    pub(super) everywhere: Option<PathBuf>,
}

/// When a folder's ignore files were read, and what they say, each by its place in [`IGNORE_FILES`], then git's.
type Read = (Instant, Lists);
type Lists = Arc<[(usize, Gitignore)]>;

impl Default for Rules {
    fn default() -> Self {
        Self { folders: Mutex::default(), everywhere: gitconfig_excludes_path() }
    }
}

impl Rules {
    /// Why the file at `path` (absolute; it need not exist) stays out of every prompt, if it does: an ignore file of its folder or of one above it, a list of git's, or a name that is known for
    /// credentials, of a link or of what it leads to. Of what stands above both `root` and the repository, `.gitignore` says nothing, as in git.
    pub fn excluded(&self, root: Option<&Path>, path: &Path) -> Option<Exclusion> {
        if holds_credentials(path) || path.canonicalize().is_ok_and(|real| holds_credentials(&real)) {
            return Some(Exclusion::Credentials);
        }
        let folder = path.parent()?;
        let inside: Vec<&Path> = folder.ancestors().collect();
        let repository = inside.iter().position(|folder| folder.join(".git").exists());
        let workspace = root.and_then(|root| inside.iter().position(|folder| *folder == root));
        // Without either, the file's own folder.
        let top = repository.max(workspace).unwrap_or(0);
        // A lone file has nothing above its folder that would be its own.
        let above = if repository.is_none() && workspace.is_none() { &[][..] } else { &inside[top + 1..] };
        let mut lists: Vec<Lists> =
            inside[..=top].iter().enumerate().map(|(at, folder)| self.lists(folder, at == top)).collect();
        lists.extend(above.iter().map(|folder| {
            let kept = self.lists(folder, false);
            let stands = |(kind, _): &&(usize, Gitignore)| *kind != GITIGNORE && *kind < IGNORE_FILES.len();
            kept.iter().filter(stands).cloned().collect::<Lists>()
        }));
        // From the top down: in a folder that is ignored nothing can be taken in again, as in git.
        let folders = (0..top).rev().map(|at| (inside[at], true, &lists[at + 1..]));
        let list = folders
            .chain([(path, false, &lists[..])])
            .find_map(|(path, folder, lists)| ignored(path, folder, lists))?;
        Some(Exclusion::Ignored { list })
    }

    /// Has all ignore files read again: they have changed.
    pub fn forget(&self) {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What the lists in a folder say; in the uppermost one (`top`) with what the user's list says everywhere.
    fn lists(&self, folder: &Path, top: bool) -> Lists {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (folder.to_owned(), top);
        if let Some((read, lists)) = folders.get(&key)
            && read.elapsed() < FRESH
        {
            return lists.clone();
        }
        let own = IGNORE_FILES.iter().map(|name| Some(folder.join(name)));
        let gits = [repository_list(folder), self.everywhere.clone().filter(|_| top)];
        let lists: Lists = own
            .chain(gits)
            .enumerate()
            .filter_map(|(kind, file)| Some((kind, file.filter(|file| file.is_file())?)))
            .filter_map(|(kind, file)| {
                let mut builder = GitignoreBuilder::new(folder);
                if let Some(error) = builder.add(&file) {
                    tracing::warn!(file = %file.display(), %error, "an ignore file is read in part");
                }
                let list = builder.build().inspect_err(|error| tracing::warn!(%error, "an ignore file is left out"));
                Some((kind, list.ok()?))
            })
            .collect();
        folders.insert(key, (Instant::now(), lists.clone()));
        lists
    }
}

/// The ignore file by which a file or folder itself is ignored. Of each kind of list the one in the deepest folder that has an opinion counts, as in git.
fn ignored(path: &Path, folder: bool, lists: &[Lists]) -> Option<PathBuf> {
    const KINDS: usize = IGNORE_FILES.len() + GIT_LISTS;
    let mut verdict: [Option<Option<PathBuf>>; KINDS] = [const { None }; KINDS];
    for (kind, list) in lists.iter().flat_map(|lists| lists.iter()) {
        let found = list.matched(path, folder);
        let Some(file) = found.inner().and_then(|glob| glob.from()) else { continue };
        if verdict[*kind].is_none() {
            verdict[*kind] = Some(found.is_ignore().then(|| file.to_owned()));
        }
    }
    // Git's own lists are asked where no `.gitignore` says anything.
    let gits = (IGNORE_FILES.len()..KINDS).find_map(|kind| verdict[kind].take());
    verdict[GITIGNORE] = verdict[GITIGNORE].take().or(gits);
    verdict.into_iter().flatten().flatten().next()
}

/// `.git/info/exclude` of the repository whose top `folder` is; of a worktree the one that it shares.
fn repository_list(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git.join("info/exclude"));
    }
    let line = |file: &Path| Some(std::fs::read_to_string(file).ok()?.lines().next()?.to_owned());
    let own = folder.join(line(&git)?.strip_prefix("gitdir: ")?);
    let shared = line(&own.join("commondir")).map_or_else(|| own.clone(), |shared| own.join(shared));
    Some(shared.join("info/exclude"))
}

/// Every file under `root` that the ignore files leave in. Links are not followed.
pub(super) fn walk(root: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    // In a repository nothing above it counts, which the walk knows only where it requires one; elsewhere `.gitignore` counts without.
    let repository = root.ancestors().any(|folder| folder.join(".git").exists());
    builder.hidden(false).follow_links(false).require_git(repository).parents(true);
    for name in IGNORE_FILES.iter().skip(2) {
        builder.add_custom_ignore_filename(name);
    }
    builder.filter_entry(|entry| {
        let folder = entry.depth() > 0 && entry.file_type().is_some_and(|kind| kind.is_dir());
        let name = entry.file_name().to_str().unwrap_or_default();
        !(folder && (VENDORED.contains(&name) || is_cache(entry.path())))
    });
    builder
}

/// The folder of a relative path that is full of code from elsewhere.
pub(super) fn vendored(relative: &str) -> Option<Exclusion> {
    let folder = relative.split('/').rev().skip(1).find(|part| VENDORED.contains(part))?;
    Some(Exclusion::Vendored(folder.to_owned()))
}

/// Whether a folder says that everything in it can be made again.
pub(super) fn is_cache(folder: &Path) -> bool {
    folder.join("CACHEDIR.TAG").exists()
}

/// Whether a file's name (or its folder's) is one under which people keep passwords and keys.
pub fn holds_credentials(path: &Path) -> bool {
    const NAMES: [&str; 20] = [
        ".env",
        ".envrc",
        ".netrc",
        "_netrc",
        ".npmrc",
        ".pypirc",
        ".pgpass",
        ".my.cnf",
        ".htpasswd",
        ".git-credentials",
        ".dockercfg",
        ".s3cfg",
        ".boto",
        "credentials",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "master.key",
        "shadow",
    ];
    const ENDS: [&str; 14] = [
        "pem", "key", "p12", "pfx", "jks", "keystore", "kdbx", "ppk", "asc", "gpg", "tfvars", "tfstate", "ovpn",
        "agekey",
    ];
    const FOLDERS: [&str; 5] = [".ssh", ".aws", ".gnupg", ".kube", ".azure"];
    const DATA: [&str; 9] = ["json", "yml", "yaml", "toml", "ini", "cfg", "conf", "xml", "properties"];
    const STEMS: [&str; 7] =
        ["secret", "secrets", "credential", "credentials", "service-account", "service_account", "client_secret"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let stem = name.split('.').next().unwrap_or_default();
    NAMES.contains(&name.as_str())
        || name.starts_with(".env.")
        || name.ends_with(".env")
        || ENDS.contains(&end)
        || (DATA.contains(&end) && STEMS.contains(&stem))
        || path.components().rev().skip(1).any(|part| FOLDERS.iter().any(|folder| part.as_os_str() == *folder))
}

/// Whether a text says in its first lines that a program wrote it.
pub(super) fn is_generated(text: &str) -> bool {
    let mut end = text.len().min(1024);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text[..end].to_lowercase();
    let told = |line: &str| {
        let comment = line.trim_start().starts_with(['/', '#', '*', '-', ';', '<', '!']);
        let says = line.contains("@generated")
            || line.contains("do not edit")
            || line.contains("auto-generated")
            || line.contains("autogenerated")
            || line.contains("automatically generated")
            || line.contains("code generated by")
            || line.contains("generated by the protocol buffer compiler");
        comment && says
    };
    head.lines().take(12).any(told)
}

/// Whether lines are far longer than a person writes.
pub(super) fn is_minified(path: &str, text: &str) -> bool {
    let lines = text.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let name = path.rsplit('/').next().unwrap_or_default();
    name.contains(".min.")
        || (text.len() > 2048 && text.len() / lines > 250)
        || text.lines().any(|line| line.len() > 10_000)
}
