//! What a client is told when something is refused or fails: OpenAI's shape, which the others' clients read as well, but for Ollama's.

use std::time::Duration;

use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A refusal or a failure, in words.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
    /// When it is worth trying again.
    wait: Option<Duration>,
}

impl Failure {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into(), wait: None }
    }
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: message.into(), wait: None }
    }
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, message: message.into(), wait: None }
    }
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, message: message.into(), wait: None }
    }
    /// The model is not there (yet), or it failed.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into(), wait: None }
    }
    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self { status: StatusCode::GATEWAY_TIMEOUT, message: message.into(), wait: None }
    }

    /// A quota is used up for so long.
    pub(crate) fn too_many(message: impl Into<String>, wait: Duration) -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, message: message.into(), wait: Some(wait) }
    }

    /// In words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The body, for the path `wire`.
    pub(crate) fn body(&self, wire: &str) -> Value {
        if wire.starts_with("/api/") {
            return json!({ "error": self.message });
        }
        let kind = match self.status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_exceeded",
            status if status.is_client_error() => "invalid_request_error",
            _ => "server_error",
        };
        json!({ "error": { "message": self.message, "type": kind, "code": self.status.as_u16() } })
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        Self { status: rejection.status(), message: rejection.body_text(), wait: None }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        tracing::info!(status = self.status.as_u16(), message = self.message, "refused");
        let mut response = (self.status, Json(self.body(""))).into_response();
        if let Some(wait) = self.wait {
            // Whole seconds, as HTTP has it, and never too early.
            response.headers_mut().insert(header::RETRY_AFTER, (wait.as_secs_f64().ceil() as u64).into());
        }
        // For who knows the path.
        response.extensions_mut().insert(self);
        response
    }
}

/// A response as clients of the path `wire` read it: another one's failure is told as that wire tells it.
pub(crate) fn told(mut response: Response, wire: &str) -> Response {
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = failure.body(wire).to_string().into();
    }
    response
}
