//! The HTTP surface: the shapes that editors and tools send to llama.cpp, OpenAI, Mistral and Ollama, all on the one engine.
//!
//! This room knows wires. It must not know trees or how a prompt is laid out: `assist` fills holes and continues texts.

mod answer;
mod chat;
mod choices;
mod error;
mod guard;
mod llama_cpp;
mod metrics;
mod mistral;
mod ollama;
mod openai;
mod options;
mod stop;
mod tools;

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use pilotlight_assist::Assistant;
use tokio::net::TcpListener;

use error::Failure;
use guard::Guard;
pub use guard::{Tokens, TokensError};
use metrics::Metrics;
pub use options::Options;

/// What every handler has at hand.
#[derive(Clone)]
struct Surface {
    assistant: Assistant,
    metrics: Arc<Metrics>,
    /// The longest that one answer may take.
    limit: Duration,
}

/// Serves until `stop` is done; what is being answered then is answered.
///
/// # Errors
///
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    assistant: Assistant,
    options: &Options,
    tokens: Tokens,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(assistant, options, tokens)).with_graceful_shutdown(stop).await
}

/// All paths.
fn router(assistant: Assistant, options: &Options, tokens: Tokens) -> Router {
    let surface =
        Surface { assistant, metrics: Arc::default(), limit: Duration::from_secs(options.time_limit_seconds) };
    let guard = Arc::new(Guard { tokens });
    Router::new()
        .route("/health", get(llama_cpp::health))
        .route("/v1/health", get(llama_cpp::health))
        .route("/props", get(llama_cpp::props))
        .route("/infill", post(llama_cpp::infill))
        .route("/completion", post(llama_cpp::completion))
        .route("/completions", post(llama_cpp::completion))
        .route("/tokenize", post(llama_cpp::tokenize))
        .route("/models", get(openai::models))
        .route("/v1/models", get(openai::models))
        .route("/v1/completions", post(openai::completions))
        .route("/chat/completions", post(chat::completions))
        .route("/v1/chat/completions", post(chat::completions))
        .route("/v1/fim/completions", post(mistral::fim))
        .route("/api/generate", post(ollama::generate))
        .route("/api/tags", get(ollama::tags))
        .route("/api/show", post(ollama::show))
        .route("/api/version", get(ollama::version))
        .route("/metrics", get(metrics::page))
        .fallback(|| async { Failure::not_found("no such path here; see \"HTTP\" in the README for those there are") })
        .layer(DefaultBodyLimit::max(options.body_limit_bytes))
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .with_state(surface)
}

#[cfg(test)]
mod tests;
