//! A daemon's place: the lock that says that it is the daemon of its key, and the socket at which it is found. Others may remove both at any time, as cleaners of
//! temporary files do: the daemon then makes them again, unless another one has taken the place meanwhile.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tokio::net::{UnixListener, UnixStream};

use super::folder::{self, Folder};

pub(super) struct Place {
    folder: Folder,
    key: String,
    socket: PathBuf,
    listener: UnixListener,
    /// The socket's device and inode: another one may stand at its path.
    own: (u64, u64),
    /// Held while the place is this daemon's.
    lock: Option<fs::File>,
}

impl Place {
    /// Takes the place; `None` if another daemon has it.
    pub(super) fn take(folder: Folder, key: String) -> Result<Option<Self>> {
        let lock = folder.lock_file(&key)?;
        if !locked(&lock)? {
            return Ok(None);
        }
        let socket = folder.socket(&key);
        let (listener, own) = listen(&socket)?;
        Ok(Some(Self { folder, key, socket, listener, own, lock: Some(lock) }))
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Whether another daemon has the place, or is to have it.
    pub(super) fn is_given_up(&self) -> bool {
        self.lock.is_none()
    }

    /// Gives the place up. The socket goes on under another name, for `status` and `stop`.
    pub(super) fn give_up(&mut self) {
        let other = self.folder.retired_socket(&self.key);
        let renamed =
            if self.is_there() { fs::rename(&self.socket, &other) } else { Err(io::ErrorKind::NotFound.into()) };
        match renamed {
            Ok(()) => self.socket = other,
            Err(error) => tracing::warn!(%error, "the socket cannot be renamed"),
        }
        self.lock = None;
    }

    /// Makes the socket again if it was removed; where another daemon has the place by now, under another name.
    pub(super) fn mend(&mut self) -> Result<()> {
        let Some(held) = self.lock.as_ref().filter(|_| !self.is_there()) else { return Ok(()) };
        // Its folder may be gone too, and then the lock was on a file that is no longer found.
        let folder = &self.folder;
        folder.mend()?;
        let lock = folder.lock_file(&self.key)?;
        let socket = if identity(&lock.metadata()?) == identity(&held.metadata()?) {
            folder.socket(&self.key)
        } else if locked(&lock)? {
            self.lock = Some(lock);
            folder.socket(&self.key)
        } else {
            self.lock = None;
            folder.retired_socket(&self.key)
        };
        (self.listener, self.own) = listen(&socket)?;
        tracing::warn!(socket = %socket.display(), "the socket was removed, and is made again");
        self.socket = socket;
        Ok(())
    }

    /// Whether the socket is where it was put.
    fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.socket).is_ok_and(|found| identity(&found) == self.own)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let removed = if self.is_there() { fs::remove_file(&self.socket) } else { Err(io::ErrorKind::NotFound.into()) };
        if let Err(error) = removed {
            tracing::warn!(%error, socket = %self.socket.display(), "the socket was not there any more");
        }
    }
}

/// Whether the lock is free, and from now on this process's.
fn locked(lock: &fs::File) -> Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(error)) => Err(error).context("the daemon's lock"),
    }
}

/// Listens at `socket`, which is to be this process's alone.
fn listen(socket: &Path) -> Result<(UnixListener, (u64, u64))> {
    if folder::check_socket(socket)? {
        // Who had it is dead: the lock was free.
        fs::remove_file(socket).with_context(|| socket.display().to_string())?;
    }
    let listener = UnixListener::bind(socket).with_context(|| format!("{}: cannot listen", socket.display()))?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    Ok((listener, identity(&fs::symlink_metadata(socket)?)))
}

fn identity(found: &fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}
