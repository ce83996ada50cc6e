//! The HTTP surface: the shapes that editors and tools send to llama.cpp, OpenAI, Mistral and Ollama, all on the one engine.
//!
//! This room knows wires. It must not know trees or how a prompt is laid out: `assist` fills holes and continues texts.

mod activity;
mod answer;
mod body;
mod chat;
mod choices;
mod connections;
mod error;
mod given;
mod guard;
mod llama_cpp;
mod metrics;
mod mistral;
mod ollama;
mod openai;
mod options;
mod status;
mod tools;
mod users;

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts},
    http::request::Parts,
    middleware,
    routing::{get, post},
};
use pilotlight_assist::{Assistant, Workspace};
use tokio::net::TcpListener;

pub use activity::Activity;
use body::Body;
use error::Failure;
use guard::Guard;
pub use guard::{Tokens, TokensError};
use metrics::Metrics;
pub use options::Options;
use users::{Quota, User};

/// What every handler has at hand: extracted from a request, it is that of the request's user.
#[derive(Clone)]
struct Surface {
    /// The user's own.
    assistant: Assistant,
    user: Arc<User>,
    /// The request's path.
    wire: String,
    users: Arc<[Arc<User>]>,
    /// Whether users are told apart by their tokens.
    private: bool,
    activity: Activity,
    metrics: Arc<Metrics>,
    /// The longest that one answer may take.
    limit: Duration,
}

impl FromRequestParts<Surface> for Surface {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, surface: &Surface) -> Result<Self, Infallible> {
        // The guard has left the user there.
        let user = parts.extensions.get().unwrap_or(&surface.user).clone();
        Ok(Self { assistant: user.assistant.clone(), user, wire: parts.uri.path().to_owned(), ..surface.clone() })
    }
}

/// Serves until `stop` is done; what is being answered then is answered, if that takes no longer than one answer may. `activity` follows what is written.
pub async fn serve(
    listener: TcpListener,
    assistant: Assistant,
    options: &Options,
    tokens: Tokens,
    activity: Activity,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = router(assistant, options, tokens, activity);
    connections::serve(listener, router, connections::HEADERS, limit(options), stop).await;
}

/// The longest that one answer may take: more than ages is no time that can be reckoned with.
fn limit(options: &Options) -> Duration {
    Duration::from_secs(options.time_limit_seconds.min(u32::MAX.into()))
}

/// All paths.
fn router(assistant: Assistant, options: &Options, tokens: Tokens, activity: Activity) -> Router {
    let own = |token: &guard::Token| {
        let workspace = Workspace::clone(&assistant.workspace());
        Arc::new(User::new(&token.user, token.quota, assistant.for_client(workspace)))
    };
    let mut users: Vec<Arc<User>> = tokens.iter().map(own).collect();
    if users.is_empty() {
        users.push(Arc::new(User::new("this machine", Quota::default(), assistant.clone())));
    }
    let surface = Surface {
        assistant,
        user: Arc::clone(&users[0]),
        wire: String::new(),
        users: users.into(),
        private: !tokens.is_empty(),
        activity,
        metrics: Arc::default(),
        limit: limit(options),
    };
    let guard = Arc::new(Guard { tokens, users: Arc::clone(&surface.users) });
    Router::new()
        .route("/", get(status::page))
        .route("/status", get(status::status))
        .route("/health", get(llama_cpp::health))
        .route("/v1/health", get(llama_cpp::health))
        .route("/props", get(llama_cpp::props))
        .route("/slots", get(llama_cpp::slots))
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
