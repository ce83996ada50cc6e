//! From a document's URI to the file it names.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands for itself in a path (RFC 3986, `pchar`, and the slash).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a `file:` URI (RFC 8089); `None` for other schemes (unsaved buffers, virtual documents), other hosts, and paths that are not UTF-8.
pub(crate) fn to_path(uri: &str) -> Option<PathBuf> {
    let rest = uri.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("file:")).and_then(|_| uri.get(5..))?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, _) = rest.split_once('/')?;
            rest.strip_prefix(host).filter(|_| host.is_empty() || host.eq_ignore_ascii_case("localhost"))?
        }
        None => rest,
    };
    let path = path.split(['?', '#']).next()?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    Some(PathBuf::from(without_slash_before_drive(&path)))
}

/// What a URI of any scheme calls its document: its path, by which it is judged whether a model may see it. A share on another host is named with that host, and what is not UTF-8 as well as it can be.
pub(crate) fn to_name(uri: &str) -> PathBuf {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let is_share = scheme.eq_ignore_ascii_case("file") && rest.starts_with("//") && !rest.starts_with("///");
    let path = match rest.strip_prefix("//") {
        Some(rest) if !is_share => rest.find('/').map_or("", |at| &rest[at..]),
        _ => rest,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8_lossy();
    PathBuf::from(without_slash_before_drive(&path))
}

/// The `file:` URI of an absolute path; `None` where it is not UTF-8.
pub(crate) fn from_path(path: &Path) -> Option<String> {
    let path = path.to_str()?.replace('\\', "/");
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some(format!("file://{slash}{}", utf8_percent_encode(&path, KEPT)))
}

/// `/c:/x` is `c:/x`: a path that begins with a drive's letter is Windows's, wherever we run.
fn without_slash_before_drive(path: &str) -> &str {
    match path.as_bytes() {
        [b'/', letter, b':', ..] if letter.is_ascii_alphabetic() => &path[1..],
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        for (uri, path) in [
            ("file:///home/a%20b/c.rs", Some("/home/a b/c.rs")),
            ("FILE:///a.rs", Some("/a.rs")),
            ("file:/a.rs", Some("/a.rs")),
            ("file://localhost/a.rs", Some("/a.rs")),
            ("file:///c%3A/x/y.rs", Some("c:/x/y.rs")),
            ("file:///a%23b.rs", Some("/a#b.rs")),
            ("file:///%C3%A9.rs", Some("/é.rs")),
            ("file:///%FF.rs", None),
            ("file://server/share/a.rs", None),
            ("file://", None),
            ("untitled:Untitled-1", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(to_path(uri), path.map(PathBuf::from), "{uri}");
        }
        for (uri, name) in [
            ("file:///home/a%20b/.env", "/home/a b/.env"),
            ("file://server/share/.env", "//server/share/.env"),
            ("untitled:/ws/%2Eenv", "/ws/.env"),
            ("untitled:.env", ".env"),
            ("scp://host//app/.env", "//app/.env"),
            ("vscode-remote://wsl%2Bubuntu/home/.env?x#y", "/home/.env"),
            ("file:///a/%FF/.env", "/a/\u{fffd}/.env"),
            ("scp://host", ""),
            ("/a/.env", "/a/.env"),
            ("", ""),
        ] {
            assert_eq!(to_name(uri), PathBuf::from(name), "{uri}");
        }
        for path in ["/home/a b/c.rs", "/é/a#b%20.rs"] {
            assert_eq!(from_path(Path::new(path)).and_then(|uri| to_path(&uri)), Some(PathBuf::from(path)));
        }
        assert_eq!(from_path(Path::new("/a b.rs")).as_deref(), Some("file:///a%20b.rs"));
    }
}
