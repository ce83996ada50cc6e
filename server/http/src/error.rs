//! What a client is told when something is refused or fails: OpenAI's shape, which the others' clients read as well.

use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A refusal or a failure, in words.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: message.into() }
    }
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, message: message.into() }
    }
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, message: message.into() }
    }
    /// The model is not there (yet), or it failed.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into() }
    }
    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self { status: StatusCode::GATEWAY_TIMEOUT, message: message.into() }
    }

    /// The body, for streams that have begun already.
    pub(crate) fn body(&self) -> serde_json::Value {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "server_error" };
        json!({ "error": { "message": self.message, "type": kind, "code": self.status.as_u16() } })
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        Self { status: rejection.status(), message: rejection.body_text() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        tracing::info!(status = self.status.as_u16(), message = self.message, "refused");
        (self.status, Json(self.body())).into_response()
    }
}
