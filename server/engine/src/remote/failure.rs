//! What goes wrong between here and a server, and what can be done about it.

use std::time::Duration;

use reqwest::{Response, StatusCode, header::RETRY_AFTER};

/// A failure, in words for a person: what was asked, what came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) remedy: Remedy,
    /// What the server answered with, if it did.
    pub(crate) status: Option<u16>,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Ask again, after this time where the server names one.
    Retry(Option<Duration>),
    /// Nothing until somebody changes something: the key, the model's name.
    Settings,
    /// Another request may do.
    Other,
}

/// Of a server's own words about an error, as much as a status line holds.
const TOLD: usize = 300;

impl Failure {
    /// Worth another try.
    pub(crate) fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: Remedy::Retry(None), status: None }
    }

    pub(crate) fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: Remedy::Settings, status: None }
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: Remedy::Other, status: None }
    }

    /// Whether the server cannot serve anybody for now.
    pub(crate) fn is_ailing(&self) -> bool {
        self.remedy != Remedy::Other
    }

    /// Of a request that got no answer. reqwest's own text names the address and not the cause.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let what = match error {
            e if e.is_timeout() && e.is_connect() => "no connection in time",
            e if e.is_timeout() => "no answer in time",
            e if e.is_connect() => "no connection",
            e if e.is_body() || e.is_decode() => "the answer broke off",
            _ => "no answer",
        };
        Self::passing(format!("{what} ({cause})"))
    }

    /// Of an answer that is not 200. Reads what the server says about it.
    pub(crate) async fn refused(mut response: Response) -> Self {
        let status = response.status();
        let after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        // Years are not meant.
        let after = after.map(|seconds| Duration::from_secs(seconds.min(3600)));
        let mut body = Vec::new();
        // Of an error page the beginning is enough; a server that stalls here has said enough by its status.
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(Duration::from_secs(1), response.chunk()).await {
            body.extend_from_slice(&chunk);
            if body.len() > 16 << 10 {
                break;
            }
        }
        let message = format!("HTTP {}{}", status.as_u16(), told(&body));
        let remedy = match status {
            StatusCode::TOO_MANY_REQUESTS => Remedy::Retry(after),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Remedy::Settings,
            // It serves, but not this: llama.cpp's `/infill` for a model without tokens for it.
            StatusCode::NOT_IMPLEMENTED => Remedy::Other,
            status if status.is_server_error() => Remedy::Retry(after),
            status if status.is_redirection() => Remedy::Settings,
            _ => Remedy::Other,
        };
        Self { message, remedy, status: Some(status.as_u16()) }
    }
}

/// A server's message, from the shapes in which it may come, on one line.
fn told(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = parsed.as_ref().and_then(|value| {
        let places = ["/error/message", "/error", "/message", "/detail/0/msg", "/detail"];
        places.iter().find_map(|place| value.pointer(place)?.as_str())
    });
    let line = message.unwrap_or(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { line } else { format!(": {}", line.chars().take(TOLD).collect::<String>()) }
}
