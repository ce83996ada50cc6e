//! The first words on a connection: one line of JSON each way. After a welcome the stream is LSP.

use std::{cmp::Ordering, path::PathBuf, sync::OnceLock, time::UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::report::Report;

/// A line holds settings at most.
const LONGEST_LINE: u64 = 1 << 20;

/// What a client says first.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Hello {
    pub(crate) want: Want,
    pub(crate) build: Build,
    /// For `Want::Lsp`.
    #[serde(default)]
    pub(crate) settings: Handed,
}

/// What for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Want {
    /// To speak LSP from here on.
    Lsp,
    /// A report.
    Status,
    /// Its end, in good order. The connection closes when it has ended.
    Stop,
    /// Its end if nobody uses it: another daemon wants the memory.
    Yield,
}

/// The settings of one connection.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Handed {
    /// The user's: an object of sections.
    pub(crate) user: Value,
    /// The command line's over all others.
    pub(crate) command_line: Value,
    /// What is wrong with them.
    pub(crate) notices: Vec<String>,
    /// What else the person might like to know.
    #[serde(default)]
    pub(crate) hint: Option<String>,
}

/// What a daemon says first.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// LSP from here on.
    Welcome { pid: u32, build: Build },
    /// The caller is newer, or there is no model here: it starts its own daemon, this one takes no more clients.
    Retired { build: Build },
    /// To `Want::Status`.
    Status(Box<Report>),
    /// To `Want::Stop` and `Want::Yield`.
    Leaving { pid: u32, build: Build, clients: usize },
    /// To `Want::Yield`: somebody uses it.
    Staying,
    /// What was said was not understood.
    Refused { why: String },
}

/// Which build of Pilotlight a process runs. The later one is the greater.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Build {
    /// A semantic version.
    pub(crate) version: String,
    /// When the binary was written, in milliseconds since 1970: two builds of one version.
    pub(crate) written: u64,
}

impl Build {
    /// This process's, as it was when this was first asked: the file may be replaced meanwhile.
    pub(crate) fn own() -> Self {
        static WRITTEN: OnceLock<u64> = OnceLock::new();
        let written = *WRITTEN.get_or_init(|| {
            // The kernel's name for it leads there too when the file was deleted or replaced.
            let found = std::fs::metadata("/proc/self/exe").or_else(|_| own_binary().metadata());
            let modified = found.and_then(|found| found.modified());
            let since = modified.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or(0)
        });
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), written }
    }
}

/// This program's own file; where the system does not say (no `/proc`), what it was started by, which can be started again.
pub(crate) fn own_binary() -> PathBuf {
    let named = || PathBuf::from(std::env::args_os().next().unwrap_or_else(|| "pilotlight".into()));
    std::env::current_exe().unwrap_or_else(|_| named())
}

impl Ord for Build {
    fn cmp(&self, other: &Self) -> Ordering {
        let version = |build: &Self| semver::Version::parse(&build.version).ok();
        version(self).cmp(&version(other)).then(self.written.cmp(&other.written))
    }
}

impl PartialOrd for Build {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Writes one line.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    Ok(stream.flush().await?)
}

/// Reads one line and nothing behind it. `None` at the end of the stream.
pub(crate) async fn read<T: DeserializeOwned>(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<T>> {
    let mut line = Vec::new();
    stream.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    ensure!(line.ends_with(b"\n"), "expected a line of JSON, found {} bytes without an end", line.len());
    serde_json::from_slice(&line).map(Some).context("expected a line of JSON that says what is wanted")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn later_builds_are_greater() {
        let build = |version: &str, written| Build { version: version.to_owned(), written };
        let ordered = [
            build("nonsense", 9),
            build("0.1.0-rc.1", 9),
            build("0.1.0", 1),
            build("0.1.0", 2),
            build("0.2.0", 1),
            build("0.10.0", 0),
            build("1.0.0", 0),
        ];
        assert!(ordered.is_sorted_by(|a, b| a < b));
    }

    #[tokio::test]
    async fn a_line_is_read_and_nothing_behind_it() {
        let mut out = Vec::new();
        write(&mut out, &Hello { want: Want::Stop, build: Build::own(), settings: Handed::default() }).await.unwrap();
        out.extend(b"Content-Length: 2");
        let mut stream = &out[..];
        let hello: Hello = read(&mut stream).await.unwrap().unwrap();
        assert_eq!((hello.want, hello.build), (Want::Stop, Build::own()));
        assert_eq!(stream, b"Content-Length: 2");

        assert!(read::<Hello>(&mut &b""[..]).await.unwrap().is_none());
        let error = read::<Hello>(&mut &b"{\"want\":\"lsp\""[..]).await.unwrap_err();
        assert!(error.to_string().contains("without an end"), "{error}");
        let error = format!("{:#}", read::<Hello>(&mut &b"{\"want\":\"tea\"}\n"[..]).await.unwrap_err());
        assert!(error.contains("what is wanted") && error.contains("tea"), "{error}");
        let endless = vec![b'x'; 3 << 20];
        let mut stream = &endless[..];
        assert!(read::<Hello>(&mut stream).await.is_err());
        assert_eq!(stream.len(), 2 << 20);
    }
}
