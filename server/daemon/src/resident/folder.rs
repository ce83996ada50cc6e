//! Where the sockets are, and that nobody else can have put them there: a folder of the user's own with mode 0700, checked before anything in it is used.

use std::{
    env, fs,
    hash::Hasher,
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use pilotlight_engine::EngineOptions;

use crate::places;

/// Of the first words on a connection. Others are other sockets.
const PROTOCOL: u32 = 1;
/// A longer log is put aside.
const LONGEST_LOG: u64 = 8 << 20;

/// The user's folder of sockets, checked.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Finds it, making it if it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made, or is open to others.
    pub(crate) fn open() -> Result<Self> {
        let folder = Self { path: place() };
        folder.make(true)?;
        Ok(folder)
    }

    /// Makes it again where it was before, if others removed it. What is above it is not ours to make: after a logout it is there again with the next login.
    pub(super) fn mend(&self) -> Result<()> {
        self.make(false)
    }

    fn make(&self, above: bool) -> Result<()> {
        match fs::DirBuilder::new().recursive(above).mode(0o700).create(&self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("{} cannot be made", self.path.display()))
            }
            _ => self.check(),
        }
    }

    /// Finds it; `None` if it is not there, so that there is no daemon either.
    pub(crate) fn find() -> Result<Option<Self>> {
        let folder = Self { path: place() };
        match fs::symlink_metadata(&folder.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => folder.check().map(|()| Some(folder)),
        }
    }

    /// That the folder is ours alone.
    pub(crate) fn check(&self) -> Result<()> {
        let path = self.path.display();
        let found = fs::symlink_metadata(&self.path).with_context(|| path.to_string())?;
        ensure!(found.is_dir(), "{path}: expected a folder for the daemon's socket, found something else");
        ours(&self.path, &found, "a folder")
    }

    /// The socket of the daemon `key`.
    pub(crate) fn socket(&self, key: &str) -> PathBuf {
        self.path.join(format!("{key}.sock"))
    }

    /// The socket of process `pid` after it gave its place up.
    pub(crate) fn retired_socket(&self, key: &str) -> PathBuf {
        self.path.join(format!("{key}-{}.sock", std::process::id()))
    }

    /// Opens the file whose lock says who is the daemon `key`. It is never deleted: a lock on a deleted file keeps nobody out.
    pub(crate) fn lock_file(&self, key: &str) -> Result<fs::File> {
        let path = self.path.join(format!("{key}.lock"));
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        file.with_context(|| path.display().to_string())
    }

    /// All sockets in the folder, in the order of their names; there need be nobody behind them.
    pub(crate) fn sockets(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.path).with_context(|| self.path.display().to_string())?;
        let mut sockets: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension() == Some("sock".as_ref()))
            .collect();
        sockets.sort();
        Ok(sockets)
    }
}

/// That `socket` is one, and ours alone. `Ok(false)` if there is none.
pub(crate) fn check_socket(socket: &Path) -> Result<bool> {
    let found = match fs::symlink_metadata(socket) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| socket.display().to_string()),
    };
    ensure!(found.file_type().is_socket(), "{}: expected a socket, found something else", socket.display());
    ours(socket, &found, "a socket").map(|()| true)
}

/// The user that this process acts for.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn ours(path: &Path, found: &fs::Metadata, what: &str) -> Result<()> {
    let (path, user, owner, mode) = (path.display(), user(), found.uid(), found.mode() & 0o777);
    if owner != user {
        bail!("{path}: expected {what} of user {user}, found one of user {owner}; nothing is sent to it");
    }
    if mode & 0o077 != 0 {
        bail!(
            "{path}: expected {what} that only its owner can use, found mode {mode:03o}: `chmod go= {path}` mends it"
        );
    }
    Ok(())
}

fn place() -> PathBuf {
    // After `su` the variable may still name another user's folder.
    let ours = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.uid() == user());
    let login = || Some(places::absolute("XDG_RUNTIME_DIR").filter(ours)?.join("pilotlight"));
    let fallback = || env::temp_dir().join(format!("pilotlight-{}", user()));
    places::own_runtime().or_else(login).unwrap_or_else(fallback)
}

/// Names the daemon that serves an engine set like this: by what differs from the defaults, so that a setting which is new in the next version changes no name, and by
/// the model's file and the remote server's key as they are now: what one editor's key may do is not to be done for another's.
pub(crate) fn key(engine: &EngineOptions) -> String {
    let written = |options: &EngineOptions| serde_json::to_value(options).unwrap_or_default();
    let (own, defaults) = (written(engine), written(&EngineOptions::default()));
    let mut hasher = fnv::FnvHasher::default();
    for (name, value) in own.as_object().into_iter().flatten().filter(|(name, value)| defaults.get(name) != Some(value))
    {
        hasher.write(format!("{name}={value}\n").as_bytes());
    }
    if let Ok(file) = fs::metadata(&engine.model) {
        hasher.write(format!("{} {} {}", file.len(), file.mtime(), file.mtime_nsec()).as_bytes());
    }
    let remote = &engine.remote;
    if !remote.url.is_empty()
        && !remote.key_env.is_empty()
        && let Some(key) = env::var_os(&remote.key_env)
    {
        hasher.write(key.as_encoded_bytes());
    }
    format!("daemon{PROTOCOL}-{:016x}", hasher.finish())
}

/// The daemons' log.
pub(crate) fn log_path() -> Option<PathBuf> {
    Some(places::state()?.join("daemon.log"))
}

/// Opens the log to write at its end, wherever that is by then.
pub(crate) fn open_log(path: &Path) -> io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Puts what is in a long log aside, where there is room for it, and empties it: daemons that write to it go on in the same file.
pub(super) fn cut_log(path: &Path) -> io::Result<()> {
    if !fs::metadata(path).is_ok_and(|found| found.len() > LONGEST_LOG) {
        return Ok(());
    }
    let log = fs::OpenOptions::new().read(true).write(true).open(path)?;
    // Another daemon may be at it, or have done it since.
    if log.try_lock().is_ok() && log.metadata()?.len() > LONGEST_LOG {
        let aside = path.with_extension("log.1");
        // Half a copy would keep the disk full.
        if let Err(error) = fs::copy(path, &aside) {
            tracing::debug!(%error, "the long log is not put aside");
            let _ = fs::remove_file(&aside);
        }
        log.set_len(0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        io::Write as _,
        os::unix::{fs::PermissionsExt, net::UnixListener},
    };

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_long_log_is_put_aside_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/daemon.log");
        let (mut one, mut other) = (open_log(&path).unwrap(), open_log(&path).unwrap());
        one.write_all(b"first\n").unwrap();
        cut_log(&path).unwrap();
        one.write_all(&vec![b'.'; LONGEST_LOG as usize]).unwrap();
        cut_log(&path).unwrap();
        cut_log(&path).unwrap();
        one.write_all(b"one\n").unwrap();
        other.write_all(b"other\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\nother\n");
        let aside = path.with_extension("log.1");
        assert!(fs::read(&aside).unwrap().starts_with(b"first\n."));
        // Where no copy can be made it is emptied all the same.
        fs::remove_file(&aside).unwrap();
        fs::create_dir(&aside).unwrap();
        one.write_all(&vec![b'.'; LONGEST_LOG as usize]).unwrap();
        cut_log(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn what_others_can_open_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder { path: parent.path().join("run") };
        assert!(folder.check().is_err());
        fs::create_dir(&folder.path).unwrap();
        for (bits, fine) in [(0o700, true), (0o750, false), (0o701, false), (0o777, false)] {
            mode(&folder.path, bits);
            let checked = folder.check();
            assert_eq!(checked.is_ok(), fine, "{bits:o}");
            if let Err(error) = checked {
                let error = error.to_string();
                assert!(error.contains(&format!("mode {bits:03o}")) && error.contains("chmod go="), "{error}");
            }
        }
        mode(&folder.path, 0o700);
        let elsewhere = Folder { path: parent.path().join("link") };
        std::os::unix::fs::symlink(&folder.path, &elsewhere.path).unwrap();
        assert!(elsewhere.check().unwrap_err().to_string().contains("found something else"));

        let socket = folder.socket("x");
        assert!(!check_socket(&socket).unwrap());
        let _listener = UnixListener::bind(&socket).unwrap();
        mode(&socket, 0o660);
        assert!(check_socket(&socket).unwrap_err().to_string().contains("mode 660"));
        mode(&socket, 0o600);
        assert!(check_socket(&socket).unwrap());
        assert_eq!(folder.sockets().unwrap(), [socket]);
        let file = folder.socket("y");
        fs::write(&file, "").unwrap();
        assert!(check_socket(&file).unwrap_err().to_string().contains("expected a socket"));
    }

    #[test]
    fn what_is_anothers_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let found = fs::symlink_metadata(parent.path()).unwrap();
        // Only root can give a folder away; whoever is not root finds the root folder to be another's.
        let (path, found) = if user() == 0 {
            std::os::unix::fs::chown(parent.path(), Some(4242), None).unwrap();
            (parent.path(), fs::symlink_metadata(parent.path()).unwrap())
        } else {
            (Path::new("/"), fs::symlink_metadata("/").unwrap_or(found))
        };
        let error = ours(path, &found, "a folder").unwrap_err().to_string();
        assert!(error.contains(&format!("of user {}", found.uid())) && error.contains("nothing is sent"), "{error}");
    }

    #[test]
    fn the_key_tells_engines_apart() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("x.gguf");
        fs::write(&model, "one").unwrap();
        let named = EngineOptions { model: model.display().to_string(), ..EngineOptions::default() };
        let ember = key(&EngineOptions::default());
        let first = key(&named);
        assert_ne!(ember, first);
        assert_eq!(first, key(&named.clone()));
        assert_ne!(first, key(&EngineOptions { threads: 1, ..named.clone() }));
        // Another file under the same name is another model.
        fs::write(&model, "another").unwrap();
        assert_ne!(first, key(&named));
        // Written down: it must not change from build to build.
        assert_eq!(ember, "daemon1-cbf29ce484222325");
    }
}
