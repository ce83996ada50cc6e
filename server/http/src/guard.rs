//! Who may ask: bearer tokens, and, where there are none, only programs of this machine that do not come through a web page.

use std::{fs, io, path::Path, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use crate::Failure;

/// The tokens that are good; none at all: everybody who can connect may ask.
#[derive(Clone, Default)]
pub struct Tokens(Vec<String>);

/// Why a file of tokens is not taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum TokensError {
    #[error("{path}: {error}")]
    Read { path: String, error: io::Error },
    #[error("{path}: expected one token a line, found none")]
    Empty { path: String },
    #[error("{path}: line {line}: expected a token of at least 16 characters without blanks")]
    Weak { path: String, line: usize },
}

impl Tokens {
    /// One token.
    pub fn one(token: String) -> Self {
        Self(vec![token])
    }

    /// The file's tokens: one a line; blank lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// The file cannot be read, has no token, or one that is easily guessed.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let name = || path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| TokensError::Read { path: name(), error })?;
        let lines = text.lines().map(str::trim).enumerate();
        let mut tokens = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            if line.len() < 16 || line.contains(char::is_whitespace) {
                return Err(TokensError::Weak { path: name(), line: number + 1 });
            }
            tokens.push(line.to_owned());
        }
        if tokens.is_empty() { Err(TokensError::Empty { path: name() }) } else { Ok(Self(tokens)) }
    }

    /// Whether none is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, given: &str) -> bool {
        // All are compared, in constant time each: how long it takes says nothing.
        self.0.iter().fold(false, |found, token| found | bool::from(token.as_bytes().ct_eq(given.as_bytes())))
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} tokens", self.0.len())
    }
}

#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) tokens: Tokens,
}

/// Lets a request through or refuses it.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let refusal = if request.uri().path() == "/health" {
        None
    } else if guard.tokens.is_empty() {
        from_a_page(request.headers()).err()
    } else {
        authorized(&guard.tokens, request.headers()).err()
    };
    match refusal {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    }
}

fn authorized(tokens: &Tokens, headers: &HeaderMap) -> Result<(), Failure> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(given) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(Failure::unauthorized("expected `Authorization: Bearer TOKEN`, found no token"));
    };
    if tokens.has(given.trim()) { Ok(()) } else { Err(Failure::unauthorized("the token is not one of this server's")) }
}

/// A page in a browser may send requests to this machine. It cannot hide that it is one (`Origin`), nor, when a name was bent to this machine,
/// by which name it asked (`Host`).
fn from_a_page(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) =
        text(header::ORIGIN).filter(|origin| !is_local(origin.split("://").last().unwrap_or_default()))
    {
        return Err(Failure::forbidden(format!("requests from {origin} are refused without a token")));
    }
    match text(header::HOST) {
        Some(host) if !is_local(host) => Err(Failure::forbidden(format!(
            "without a token this server answers to localhost and to addresses; found the host name {host}"
        ))),
        _ => Ok(()),
    }
}

/// Whether `host`, with or without a port, is this machine's own name or an address.
fn is_local(host: &str) -> bool {
    if host.parse::<std::net::SocketAddr>().is_ok() || host.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost") || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}
