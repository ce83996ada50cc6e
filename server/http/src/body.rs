//! A request's body: JSON, whatever its header says. Ollama's documented `curl -d` says that it is a form.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use crate::Failure;

/// Read from a body. A page in a browser, which could send it unasked with such a header, is refused by its origin.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state).await?;
        let Json(value) = Json::from_bytes(&bytes)?;
        Ok(Self(value))
    }
}
