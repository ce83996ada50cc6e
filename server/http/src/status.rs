//! The status page: one page with everything in it, and the figures that it asks for.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use pilotlight_assist::{
    Status,
    journal::{Account, CLASSES},
};
use pilotlight_engine::{Engine, PageFigures};
use serde_json::{Value, json};

use crate::{Failure, Surface};

/// The page is its own: it asks nobody but this server for anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`.
pub(crate) async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, include_str!("status/page.html")).into_response()
}

/// `GET /status`: all that the page shows. Of other people's requests it is told what they cost, and not what they were about.
pub(crate) async fn status(surface: Surface) -> Result<Json<Value>, Failure> {
    let (state, message) = match &*surface.assistant.status().borrow() {
        Status::Loading { model } => ("loading", model.clone()),
        Status::Ready { model } => ("ready", model.clone()),
        Status::Busy { model } => ("busy", model.clone()),
        Status::Degraded { message, .. } => ("degraded", message.clone()),
        Status::Failed { message } => ("failed", message.clone()),
    };
    let mut account = surface.assistant.journal().account();
    if surface.private {
        for entry in account.recent.iter_mut().filter(|entry| entry.client != surface.user.name) {
            entry.path = String::new();
            entry.why.segments.clear();
            entry.why.left_out.clear();
            entry.why.recalled = None;
        }
    }
    let engine = surface.assistant.engine().now_or_never().and_then(Result::ok);
    let loaded = engine.map(|engine| {
        let info = engine.info();
        json!({
            "name": info.name, "architecture": info.architecture, "parameters": info.parameters, "bytes": info.bytes,
            "context_length": info.context_length, "licence": info.licence, "backend": info.backend,
        })
    });
    let users: Vec<_> = surface.users.iter().map(|user| user.figures()).collect();
    let tasks = surface.activity.tasks().into_iter();
    let running = tasks.map(|(_, task)| json!({ "client": task.client, "wire": task.wire, "decoded": task.decoded, "max_tokens": task.max_tokens }));
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "state": state,
        "message": message,
        "model": loaded,
        "figures": engine.map(Engine::figures),
        "predictions": surface.assistant.predictions(),
        "cache": match engine {
            Some(engine) => map(engine, &account).await?,
            None => json!([]),
        },
        "users": users,
        "running": running.collect::<Vec<_>>(),
        "classes": CLASSES,
        "journal": account,
    })))
}

/// The cache by whose it is: each page as [its first token's place, tokens, requests since it was used, in use, restored], in the order of sequences.
async fn map(engine: &Engine, account: &Account) -> Result<Value, Failure> {
    let engine = engine.clone();
    // It answers between two steps: some milliseconds, for a large model.
    let pages = tokio::task::spawn_blocking(move || engine.map()).await;
    let pages = pages.map_err(|error| error.to_string()).and_then(|pages| pages.map_err(|error| error.to_string()));
    let pages = pages.map_err(Failure::unavailable)?;
    let mut clients: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for page in in_order(&pages) {
        let name = account.clients.get(&page.session).map_or("nobody of this run", String::as_str);
        let PageFigures { depth, tokens, age, in_use, restored, .. } = page;
        clients.entry(name).or_default().push(json!([depth, tokens, age, in_use, restored]));
    }
    Ok(clients.into_iter().map(|(client, pages)| json!({ "client": client, "pages": pages })).collect())
}

/// Each page behind the one that it goes on from.
fn in_order(pages: &[PageFigures]) -> impl Iterator<Item = &PageFigures> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); pages.len()];
    let mut open: Vec<usize> = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        page.parent.map_or(&mut open, |parent| &mut children[parent]).push(at);
    }
    std::iter::from_fn(move || {
        let at = open.pop()?;
        open.append(&mut children[at]);
        Some(&pages[at])
    })
}
