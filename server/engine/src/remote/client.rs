//! One server's HTTP: its address, the key, the limits.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    RequestBuilder, Response, Url,
    header::{AUTHORIZATION, HeaderValue},
    redirect::Policy,
};
use serde_json::Value;

use super::{Failure, RemoteOptions};
use crate::EngineError;

/// The longest answer to a question about the server itself. (Ollama tells the whole vocabulary.)
const LONGEST: usize = 64 << 20;
/// For so long the file of the key is waited for: it may lie on another machine, which hangs.
const READING: Duration = Duration::from_secs(1);

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    stall: Duration,
    options: RemoteOptions,
    /// The last one that could be read.
    key: Arc<Mutex<Option<HeaderValue>>>,
    /// Held while the key's file is read: one that hangs costs one thread, and not one a request.
    reading: Arc<tokio::sync::Mutex<()>>,
}

impl Client {
    /// Reads the key and checks the address; connects to nothing.
    pub(crate) fn new(options: &RemoteOptions) -> Result<Self, EngineError> {
        let setting =
            |name, expected: &str, found: String| EngineError::Setting { name, expected: expected.into(), found };
        let expected = "an address such as http://127.0.0.1:8080";
        let mut base = Url::parse(&options.url).map_err(|error| setting("remote.url", expected, error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(setting("remote.url", expected, format!("the scheme `{}`", base.scheme())));
        }
        if !base.username().is_empty() || base.password().is_some() {
            let expected = "no name and no key in it (`remote.key-env` and `remote.key-file` are for that)";
            return Err(setting("remote.url", expected, "some".into()));
        }
        // `http://host/v1` is what other tools are told; paths here begin at the root.
        let path = base.path().trim_end_matches('/').trim_end_matches("/v1").to_owned() + "/";
        base.set_path(&path);
        base.set_query(None);
        base.set_fragment(None);

        let key = Arc::new(Mutex::new(bearer(options)?));
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("pilotlight/", env!("CARGO_PKG_VERSION")))
            // Neither the code nor the key go anywhere but where the person said.
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(options.connect_seconds));
        if is_loopback(&base) {
            http = http.no_proxy();
        }
        let http =
            http.build().map_err(|error| EngineError::Remote { url: base.to_string(), message: error.to_string() })?;
        let stall = Duration::from_secs(options.stall_seconds);
        Ok(Self { http, base, stall, options: options.clone(), key, reading: Arc::default() })
    }

    /// The address, which holds no key.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(crate) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Whether what is asked may cost somebody money.
    pub(crate) fn has_key(&self) -> bool {
        !self.options.key_env.is_empty() || self.options.key_file.is_some()
    }

    /// Whether the key and the code can be read on the way.
    pub(crate) fn is_open(&self) -> bool {
        self.base.scheme() == "http" && !is_loopback(&self.base)
    }

    /// The longest silence.
    pub(crate) fn stall(&self) -> Duration {
        self.stall
    }

    /// A JSON document about the server itself.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.document(path, self.http.get(self.at(path))).await
    }

    /// The same, for a question with a body.
    pub(crate) async fn ask(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.document(path, self.http.post(self.at(path)).json(body)).await
    }

    /// An answer that is to be read piece by piece. The headers must have come within the longest silence.
    pub(crate) async fn open(&self, path: &str, body: &Value) -> Result<Response, Failure> {
        self.send(path, self.http.post(self.at(path)).json(body)).await
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&(self.base.path().trim_end_matches('/').to_owned() + path));
        url
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> Result<Response, Failure> {
        let request = match self.key().await {
            Some(key) => request.header(AUTHORIZATION, key),
            None => request,
        };
        let response = tokio::time::timeout(self.stall, request.send())
            .await
            .map_err(|_| Failure::passing(format!("no answer within {} s", self.stall.as_secs())))?
            .map_err(|error| Failure::of(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let mut failure = Failure::refused(response).await;
        failure.message = format!("{path}: {}", failure.message);
        Err(failure)
    }

    /// The key as a header. Its file is read each time, as it may have been written anew; one that cannot be read (somebody may be writing it) says nothing against the key that it had.
    async fn key(&self) -> Option<HeaderValue> {
        let (options, key) = (self.options.clone(), Arc::clone(&self.key));
        let read = async {
            let turn = Arc::clone(&self.reading).lock_owned().await;
            tokio::task::spawn_blocking(move || {
                let _turn = turn;
                match bearer(&options) {
                    Ok(read) => *key.lock().unwrap_or_else(PoisonError::into_inner) = read,
                    Err(error) => tracing::warn!(%error, "the key cannot be read: the last one is used"),
                }
            })
            .await
        };
        if self.options.key_file.is_some() && tokio::time::timeout(READING, read).await.is_err() {
            tracing::warn!("reading the key takes long: the last one is used");
        }
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn document(&self, path: &str, request: RequestBuilder) -> Result<Value, Failure> {
        let mut response = self.send(path, request).await?;
        let mut body = Vec::new();
        loop {
            let chunk = tokio::time::timeout(self.stall, response.chunk())
                .await
                .map_err(|_| Failure::passing(format!("{path}: nothing for {} s", self.stall.as_secs())))?
                .map_err(|error| Failure::of(&error))?;
            let Some(chunk) = chunk else { break };
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err(Failure::other(format!("{path}: expected at most {LONGEST} bytes")));
            }
        }
        serde_json::from_slice(&body).map_err(|error| Failure::other(format!("{path}: expected JSON, found {error}")))
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The key as a header.
fn bearer(options: &RemoteOptions) -> Result<Option<HeaderValue>, EngineError> {
    let Some(key) = key(options)? else { return Ok(None) };
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| EngineError::Setting {
        name: "remote.key-file",
        expected: "a key of printable ASCII".into(),
        found: "another".into(),
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The key, from the environment or else the file; `None` where neither is named.
fn key(options: &RemoteOptions) -> Result<Option<String>, EngineError> {
    if !options.key_env.is_empty()
        && let Ok(key) = std::env::var(&options.key_env)
        && !key.trim().is_empty()
    {
        return Ok(Some(key.trim().to_owned()));
    }
    match &options.key_file {
        Some(path) => read_key(path).map(Some),
        None if options.key_env.is_empty() => Ok(None),
        None => Err(EngineError::Setting {
            name: "remote.key-env",
            expected: "an environment variable that holds the key".into(),
            found: format!("{} is not set where this process was started", options.key_env),
        }),
    }
}

fn read_key(path: &Path) -> Result<String, EngineError> {
    let text = std::fs::read_to_string(path).map_err(|source| EngineError::Io { path: path.into(), source })?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(key), None) => Ok(key.to_owned()),
        (None, _) => Err(EngineError::malformed(path, "key", "a key on one line", "an empty file")),
        (Some(_), Some(_)) => Err(EngineError::malformed(path, "key", "a key on one line", "several lines")),
    }
}
