//! Who may ask: bearer tokens, and, where there are none, only programs of this machine that do not come through a web page.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use crate::{
    Failure, error,
    users::{Quota, User},
};

/// The tokens that are good, and whose they are; none at all: everybody who can connect may ask.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Token>);

#[derive(Clone)]
pub(crate) struct Token {
    token: String,
    pub(crate) user: String,
    pub(crate) quota: Quota,
}

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
    #[error(
        "{path}: line {line}: expected requests-per-minute=N or tokens-per-minute=N behind the token, found `{found}`"
    )]
    Quota { path: String, line: usize, found: String },
    #[error("{path}: line {line}: {what} twice")]
    Twice { path: String, line: usize, what: String },
}

impl Tokens {
    /// One token.
    pub fn one(token: String) -> Self {
        Self(vec![Token { token, user: "token 1".to_owned(), quota: Quota::default() }])
    }

    /// The file's tokens: one a line, as `TOKEN` or `USER TOKEN`, with the user's quota behind it (`requests-per-minute=N`, `tokens-per-minute=N`); blank lines and those
    /// that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// The file cannot be read, has no token, one that is easily guessed, a user or a token twice, or something else behind a token.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let name = || path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| TokensError::Read { path: name(), error })?;
        let lines = text.lines().map(str::trim).zip(1..);
        let mut tokens: Vec<Token> = Vec::new();
        for (text, line) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
            let (words, quotas): (Vec<&str>, Vec<&str>) =
                text.split_whitespace().partition(|word| !word.contains("-per-minute="));
            let (user, token) = match words[..] {
                [token] => (format!("token {}", tokens.len() + 1), token),
                [user, token] => (user.to_owned(), token),
                _ => return Err(TokensError::Weak { path: name(), line }),
            };
            if token.len() < 16 {
                return Err(TokensError::Weak { path: name(), line });
            }
            let mut quota = Quota::default();
            for found in quotas {
                let other = || TokensError::Quota { path: name(), line, found: found.to_owned() };
                let (what, most) = found.split_once('=').ok_or_else(other)?;
                let most = Some(most.parse().map_err(|_| other())?);
                match what {
                    "requests-per-minute" => quota.requests_per_minute = most,
                    "tokens-per-minute" => quota.tokens_per_minute = most,
                    _ => return Err(other()),
                }
            }
            let twice = |what: &str| TokensError::Twice { path: name(), line, what: format!("{what} {user}") };
            if tokens.iter().any(|other| other.user == user) {
                return Err(twice("the user"));
            }
            if tokens.iter().any(|other| other.token == token) {
                return Err(twice("the token of"));
            }
            tokens.push(Token { token: token.to_owned(), user, quota });
        }
        if tokens.is_empty() { Err(TokensError::Empty { path: name() }) } else { Ok(Self(tokens)) }
    }

    /// Whether none is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Token> {
        self.0.iter()
    }

    /// Whose token that is.
    fn index_of(&self, given: &str) -> Option<usize> {
        // All are compared, in constant time each: how long it takes says nothing.
        self.0.iter().enumerate().fold(None, |found, (at, token)| {
            let same = bool::from(token.token.as_bytes().ct_eq(given.as_bytes()));
            if same { Some(at) } else { found }
        })
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} tokens", self.0.len())
    }
}

pub(crate) struct Guard {
    pub(crate) tokens: Tokens,
    /// In the tokens' order; the only one where there are none.
    pub(crate) users: Arc<[Arc<User>]>,
}

/// Lets a request through, as its user's, or refuses it.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let open = |path: &str| path == "/health" || (path == "/" && !guard.tokens.is_empty());
    let user = if open(request.uri().path()) {
        // A probe needs no token, and the status page has nothing in it: it asks its reader for one.
        Ok(0)
    } else if guard.tokens.is_empty() {
        from_a_page(request.headers()).map(|()| 0)
    } else {
        authorized(&guard.tokens, request.headers())
    };
    let wire = request.uri().path().to_owned();
    let response = match user {
        Err(refusal) => refusal.into_response(),
        Ok(user) => {
            request.extensions_mut().insert(Arc::clone(&guard.users[user]));
            next.run(request).await
        }
    };
    error::told(response, &wire)
}

/// Which user asks.
fn authorized(tokens: &Tokens, headers: &HeaderMap) -> Result<usize, Failure> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(given) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(Failure::unauthorized("expected `Authorization: Bearer TOKEN`, found no token"));
    };
    tokens.index_of(given.trim()).ok_or_else(|| Failure::unauthorized("the token is not one of this server's"))
}

/// A page in a browser may send requests to this machine. It cannot hide that it is one (`Origin`), nor, when a name was bent to this machine,
/// by which name it asked (`Host`).
fn from_a_page(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(origin) =
        text(header::ORIGIN).filter(|origin| !is_of_here(origin.split("://").last().unwrap_or_default()))
    {
        return Err(Failure::forbidden(format!("requests from {origin} are refused without a token")));
    }
    match text(header::HOST) {
        Some(host) if !is_own(host) => Err(Failure::forbidden(format!(
            "without a token this server answers to localhost and to addresses; found the host name {host}"
        ))),
        _ => Ok(()),
    }
}

/// Whether `host`, with or without a port, is one that no name was bent to: an address, or this machine's own name.
fn is_own(host: &str) -> bool {
    address(host).is_some() || is_of_here(host)
}

/// Whether `host`, with or without a port, is this machine as it calls itself. A page may come from any address.
fn is_of_here(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|address| address.to_canonical().is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    let alone = || host.trim_matches(['[', ']']).parse().ok();
    host.parse().map(|at: SocketAddr| at.ip()).ok().or_else(alone)
}
