//! Fetching a model's files.

use std::{
    fs::{File, TryLockError},
    io::{ErrorKind, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    header::{RANGE, USER_AGENT},
};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::{
    Entry, HubError, Manifest, PulledFile, Store,
    store::{digest, hex},
};

/// How often a connection that breaks is made again, for one file, without anything coming.
const TRIES: u32 = 5;
/// Silence after which a connection counts as broken.
const STALL: Duration = Duration::from_secs(30);

/// The hub, and who asks.
#[derive(Clone)]
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    client: Client,
}

impl std::fmt::Debug for Hub {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// How far a pull is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The file that is being fetched.
    pub file: &'a str,
    /// Bytes of all files that are here.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
}

/// What the hub says of a file.
#[derive(Debug)]
struct Listed {
    path: String,
    size: u64,
    /// Of a file that lies outside the repository.
    sha256: Option<String>,
    /// Git's name of one that lies in it: the SHA-1 of its header and content.
    blob: Option<String>,
}

impl Hub {
    /// As the environment says: `HF_ENDPOINT`, and `HF_TOKEN` or the token file of Hugging Face's own tools.
    pub fn from_environment() -> Result<Self, HubError> {
        let variable = |name: &str| std::env::var(name).ok().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        let home = variable("HF_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache/huggingface")));
        let token = variable("HF_TOKEN").or_else(|| std::fs::read_to_string(home?.join("token")).ok());
        Self::new(&variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned()), token)
    }

    /// At `endpoint`.
    pub fn new(endpoint: &str, token: Option<String>) -> Result<Self, HubError> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        // A redirect to another host, as the hub's to its storage, is followed without the token.
        let client = Client::builder().connect_timeout(STALL).read_timeout(STALL).build();
        let client = client.map_err(|error| HubError::Answer(endpoint.clone(), error.to_string()))?;
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        Ok(Self { endpoint, token, client })
    }

    /// Fetches a model into `store`, what of it is there already excepted.
    pub async fn pull(
        &self,
        entry: &Entry,
        store: &Store,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Manifest, HubError> {
        let Entry { name, repository, revision, .. } = entry;
        let about = self.json(entry, &format!("/api/models/{repository}/revision/{revision}")).await?;
        let strange =
            |what: &str| HubError::Answer(repository.clone(), format!("expected {what} from the hub, found none"));
        let commit = about["sha"].as_str().filter(|sha| is_hex(sha)).ok_or_else(|| strange("a commit"))?.to_owned();
        if entry.is_pinned() && *revision != commit {
            let (repository, expected) = (repository.clone(), revision.clone());
            return Err(HubError::OtherCommit { repository, expected, found: commit });
        }
        let tree = self.json(entry, &format!("/api/models/{repository}/tree/{commit}")).await?;
        let listed = tree.as_array().ok_or_else(|| strange("a list of files"))?;
        let files: Vec<Listed> = listed.iter().filter_map(read_listed).filter(|file| entry.wants(&file.path)).collect();
        if files.is_empty() {
            return Err(HubError::NoFiles { repository: repository.clone(), wanted: entry.files.join(" or ") });
        }

        let place = store.place(name);
        std::fs::create_dir_all(&place).map_err(|source| HubError::Io { path: place.clone(), source })?;
        let before = store.manifest(name).ok().flatten().filter(|before| before.commit == commit);
        let here: Vec<_> = files.iter().map(|file| here(&place, file, before.as_ref())).collect();
        let total = files.iter().map(|file| file.size).sum();
        let missing = files.iter().zip(&here).filter(|(_, here)| here.is_none());
        let missing: u64 = missing.map(|(file, _)| file.size - partial(&place, file).min(file.size)).sum();
        if let Some(free) = free(&place).filter(|free| *free < missing) {
            return Err(HubError::DiskFull { path: place, needed: missing, free });
        }
        let (mut pulled, mut done) = (Vec::new(), 0);
        for (file, here) in files.iter().zip(here) {
            let kept = match here {
                Some(known) => known,
                None => {
                    let url = format!("{}/{repository}/resolve/{commit}/{}", self.endpoint, file.path);
                    let tell = |bytes| progress(Progress { file: &file.path, done: done + bytes, total });
                    self.file(entry, &url, file, &place, tell).await?
                }
            };
            done += file.size;
            progress(Progress { file: &file.path, done, total });
            pulled.push(kept);
        }
        let manifest = Manifest {
            name: name.clone(),
            repository: repository.clone(),
            revision: revision.clone(),
            commit,
            files: pulled,
        };
        store.keep(&manifest)?;
        Ok(manifest)
    }

    /// Fetches one file, going on where an earlier try ended.
    async fn file(
        &self,
        entry: &Entry,
        url: &str,
        file: &Listed,
        place: &Path,
        mut tell: impl FnMut(u64),
    ) -> Result<PulledFile, HubError> {
        let part = part(place, file);
        let io = |source| HubError::Io { path: part.clone(), source };
        // Not to append: Windows locks no such file.
        let options = std::fs::OpenOptions::new().create(true).read(true).write(true).truncate(false).clone();
        let mut out = options.open(&part).map_err(io)?;
        match out.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(HubError::Busy(part)),
            Err(TryLockError::Error(source)) => return Err(io(source)),
            Ok(()) => {}
        }
        let mut size = partial(place, file);
        if size > 0 {
            out.seek(SeekFrom::End(0)).map_err(io)?;
        }
        let (mut most, mut tries) = (size, 0);
        while size < file.size || file.size == 0 {
            match self.stretch(entry, url, file, (&part, &mut out), &mut size, &mut tell).await? {
                None => break,
                Some(broken) => {
                    tries = if size > most { 1 } else { tries + 1 };
                    most = most.max(size);
                    if tries >= TRIES {
                        return Err(HubError::Answer(
                            url.to_owned(),
                            format!("{broken}, {tries} times; what came is kept: pull again"),
                        ));
                    }
                    tracing::warn!(url, broken, size, "going on with the rest");
                    tokio::time::sleep(Duration::from_millis(200 << tries)).await;
                }
            }
        }
        // Where locks bind everybody, it could not be read.
        out.unlock().map_err(io)?;
        let pulled = match held_to(file, &part).map_err(io)? {
            Ok(pulled) => pulled,
            Err((expected, found)) => {
                // Nothing is gained by going on with it.
                let _ = std::fs::remove_file(&part);
                return Err(HubError::Checksum { path: part, expected, found });
            }
        };
        let path = place.join(&file.path);
        std::fs::rename(&part, &path).map_err(|source| HubError::Io { path, source })?;
        Ok(pulled)
    }

    /// One connection's worth of a file, appended to `part`. `Some` says why it ended before the file did.
    async fn stretch(
        &self,
        entry: &Entry,
        url: &str,
        file: &Listed,
        (part, out): (&Path, &mut File),
        size: &mut u64,
        tell: &mut impl FnMut(u64),
    ) -> Result<Option<String>, HubError> {
        let mut request = self.request(url);
        if *size > 0 {
            request = request.header(RANGE, format!("bytes={size}-"));
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Some(cause(&error))),
        };
        if response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS {
            return Ok(Some(format!("HTTP {}", response.status().as_u16())));
        }
        response = self.allowed(entry, url, response)?;
        let io = |source: std::io::Error| match source.kind() {
            ErrorKind::StorageFull => {
                let (needed, free) = (file.size, free(part.parent().unwrap_or(part)).unwrap_or(0));
                HubError::DiskFull { path: part.to_path_buf(), needed, free }
            }
            _ => HubError::Io { path: part.to_path_buf(), source },
        };
        if *size > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            // It does not do ranges: from the beginning, then.
            *size = 0;
        }
        if *size == 0 && out.metadata().map_err(io)?.is_file() {
            out.set_len(0).and_then(|()| out.rewind()).map_err(io)?;
        }
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) if *size < file.size => {
                    return Ok(Some(format!("it ended after {size} of {} bytes", file.size)));
                }
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(cause(&error))),
            };
            if *size + chunk.len() as u64 > file.size {
                return Ok(None); // Longer than it should be: the checksum tells.
            }
            out.write_all(&chunk).map_err(io)?;
            *size += chunk.len() as u64;
            tell(*size);
        }
    }

    async fn json(&self, entry: &Entry, path: &str) -> Result<Value, HubError> {
        let url = format!("{}{path}", self.endpoint);
        let failed = |error: reqwest::Error| HubError::Answer(url.clone(), cause(&error));
        let response = self.request(&url).send().await.map_err(failed)?;
        let response = self.allowed(entry, &url, response)?;
        let text = response.bytes().await.map_err(failed)?;
        serde_json::from_slice(&text)
            .map_err(|error| HubError::Answer(url.clone(), format!("expected JSON, found {error}")))
    }

    fn request(&self, url: &str) -> reqwest::RequestBuilder {
        let request = self.client.get(url).header(USER_AGENT, concat!("pilotlight/", env!("CARGO_PKG_VERSION")));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn allowed(&self, entry: &Entry, url: &str, response: Response) -> Result<Response, HubError> {
        let (repository, endpoint) = (entry.repository.clone(), self.endpoint.clone());
        match response.status() {
            status if status.is_success() => Ok(response),
            // The hub says 401 of what it will not even tell the existence of.
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(HubError::Gated { repository, endpoint, status: status.as_u16() })
            }
            StatusCode::NOT_FOUND => Err(HubError::Missing { repository, revision: entry.revision.clone(), endpoint }),
            status => Err(HubError::Answer(url.to_owned(), format!("HTTP {}", status.as_u16()))),
        }
    }
}

/// What the hub lists, if it is a file with a name that stays in the folder.
fn read_listed(value: &Value) -> Option<Listed> {
    let path = value["path"].as_str().filter(|path| !path.contains(['/', '\\']) && !path.starts_with('.'))?;
    if value["type"] != "file" {
        return None;
    }
    let sha256 = value.pointer("/lfs/oid").and_then(Value::as_str).filter(|oid| oid.len() == 64 && is_hex(oid));
    let size = value.pointer("/lfs/size").or_else(|| value.get("size"))?.as_u64()?;
    let blob = value["oid"].as_str().filter(|oid| value.get("lfs").is_none() && is_commit(oid));
    Some(Listed { path: path.to_owned(), size, sha256: sha256.map(str::to_owned), blob: blob.map(str::to_owned) })
}

/// Whether it is the full name of an object of git's, and not a branch's.
fn is_commit(name: &str) -> bool {
    name.len() == 40 && is_hex(name)
}

/// Git's name of a file's content.
fn blob_name(path: &Path) -> std::io::Result<String> {
    let content = std::fs::read(path)?;
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", content.len()));
    hash.update(&content);
    Ok(hex(&hash.finalize()))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a file stands until it is whole. Its name has the checksum's beginning, so that another commit's does not go on with it.
fn part(place: &Path, file: &Listed) -> PathBuf {
    let version = file.sha256.as_deref().or(file.blob.as_deref()).and_then(|sum| sum.get(..12)).unwrap_or("new");
    place.join(format!("{}.{version}.part", file.path))
}

fn partial(place: &Path, file: &Listed) -> u64 {
    part(place, file).metadata().map_or(0, |meta| meta.len())
}

/// What of a file is in its place already: believed where the manifest of the same commit, `before`, tells of it, else held to its checksum.
fn here(place: &Path, file: &Listed, before: Option<&Manifest>) -> Option<PulledFile> {
    let path = place.join(&file.path);
    path.metadata().ok().filter(|found| found.len() == file.size)?;
    let known = before.and_then(|before| before.files.iter().find(|known| known.path == file.path));
    match known {
        Some(known) => Some(known.clone()),
        None if file.sha256.is_none() && file.blob.is_none() => None,
        None => held_to(file, &path).ok()?.ok(),
    }
}

/// Reads a file and holds it to what the hub says of it. Gives its line of the manifest, or what was expected and what was found.
fn held_to(file: &Listed, path: &Path) -> std::io::Result<Result<PulledFile, (String, String)>> {
    let (size, sha256) = digest(path, &mut |_| ())?;
    let (kind, expected, found) = match (&file.sha256, &file.blob) {
        (None, Some(blob)) => ("git blob", blob.clone(), blob_name(path)?),
        (expected, _) => ("sha256", expected.as_ref().unwrap_or(&sha256).clone(), sha256.clone()),
    };
    Ok(match size == file.size && found == expected {
        true => Ok(PulledFile { path: file.path.clone(), size, sha256 }),
        false => Err((format!("{kind} {expected} of {} bytes", file.size), format!("{found} of {size} bytes"))),
    })
}

/// Bytes that this user may still write where `place` is; `None` where the system does not say.
#[cfg(unix)]
fn free(place: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(place).ok()?;
    Some(told.f_bavail.saturating_mul(told.f_frsize))
}

#[cfg(not(unix))]
fn free(_place: &Path) -> Option<u64> {
    None
}

/// The innermost cause: the rest repeats the address.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
