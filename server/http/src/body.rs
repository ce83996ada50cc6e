//! A request's body: JSON, whatever its header says. Ollama's documented `curl -d` says that it is a form.

use axum::{
    Json,
    extract::{FromRequest, Request},
    http::{HeaderValue, header::CONTENT_TYPE},
};
use serde::de::DeserializeOwned;

use crate::Failure;

/// Read from a body. A page in a browser, which could send it unasked with such a header, is refused by its origin.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Failure> {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let Json(value) = Json::from_request(request, state).await?;
        Ok(Self(value))
    }
}
