//! Figures in Prometheus' text format.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use pilotlight_assist::{Predictions, Report};
use pilotlight_engine::{Figures, Finish};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::{Failure, Surface};

/// What is counted, of requests by HTTP.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<End, Counter>,
    users: Family<Whose, Counter>,
    written: Family<Whose, Counter>,
    reused: Counter,
    prefilled: Counter,
    decoded: Counter,
    first_token: Histogram,
    total: Histogram,
    next: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct End {
    finish: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Whose {
    user: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds =
            || Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]);
        let mut metrics = Self {
            registry: Registry::with_prefix("pilotlight"),
            requests: Family::default(),
            users: Family::default(),
            written: Family::default(),
            reused: Counter::default(),
            prefilled: Counter::default(),
            decoded: Counter::default(),
            first_token: seconds(),
            total: seconds(),
            next: AtomicU64::new(1),
        };
        let registry = &mut metrics.registry;
        registry.register("http_generations", "Texts written, by how they ended", metrics.requests.clone());
        registry.register("user_generations", "Texts written, by whose they are", metrics.users.clone());
        registry.register("user_tokens_decoded", "Tokens decoded, by whose they are", metrics.written.clone());
        registry.register("prompt_tokens_reused", "Prompt tokens found in the KV cache", metrics.reused.clone());
        registry.register("prompt_tokens_prefilled", "Prompt tokens computed", metrics.prefilled.clone());
        registry.register("tokens_decoded", "Tokens decoded", metrics.decoded.clone());
        let first = metrics.first_token.clone();
        registry.register_with_unit("first_token", "From the request to its first token", Unit::Seconds, first);
        let total = metrics.total.clone();
        registry.register_with_unit("generation", "From the request to its last token", Unit::Seconds, total);
        metrics
    }
}

impl Metrics {
    /// Counts what has ended.
    pub(crate) fn count(&self, report: &Report, user: &str) {
        let finish = match report.finish {
            Some(Finish::Stop) => "stop",
            Some(Finish::Length) => "length",
            Some(Finish::TimeLimit) => "time-limit",
            _ => "cancelled",
        };
        self.requests.get_or_create(&End { finish }).inc();
        let whose = Whose { user: user.to_owned() };
        self.users.get_or_create(&whose).inc();
        self.written.get_or_create(&whose).inc_by(report.decoded as u64);
        self.reused.inc_by(report.reused as u64);
        self.prefilled.inc_by(report.prefilled as u64);
        self.decoded.inc_by(report.decoded as u64);
        if report.decoded > 0 {
            self.first_token.observe(report.millis.first_token / 1e3);
        }
        if finish != "cancelled" {
            self.total.observe(report.millis.total / 1e3);
        }
    }

    /// A name for one answer.
    pub(crate) fn id(&self, kind: &str) -> String {
        format!("{kind}-{}-{}", std::process::id(), self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// `GET /metrics`. What the engine itself has done is read as it stands.
pub(crate) async fn page(surface: Surface) -> Result<Response, Failure> {
    let mut text = String::new();
    encode(&mut text, &surface.metrics.registry).map_err(|error| Failure::unavailable(error.to_string()))?;
    if let Some(Ok(engine)) = surface.assistant.engine().now_or_never() {
        let mut registry = Registry::with_prefix("pilotlight_engine");
        register(&mut registry, &engine.figures());
        let Predictions { accepting, resting } = surface.assistant.predictions();
        for (name, help, value) in [
            ("ahead_made", "Completions computed for the state after an acceptance", accepting.made),
            ("ahead_used", "Of these, those that were asked for", accepting.used),
            ("warmed_made", "Prompts computed where the cursor rested", resting.made),
            ("warmed_used", "Of these, those that a request went on from", resting.used),
        ] {
            registry.register(name, help, ConstCounter::new(u64::from(value)));
        }
        let mut own = String::new();
        encode(&mut own, &registry).map_err(|error| Failure::unavailable(error.to_string()))?;
        // One document, which ends once.
        text.truncate(text.trim_end_matches("# EOF\n").len());
        text += &own;
    }
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}

fn register(registry: &mut Registry, figures: &Figures) {
    let Figures { requests, cache, speculation } = figures;
    for (name, help, value) in [
        ("requests_completed", "Requests that came to an end", requests.completed),
        ("requests_cancelled", "Requests cancelled", requests.cancelled),
        ("requests_timed_out", "Requests ended by their time limit", requests.timed_out),
        ("requests_failed", "Requests that failed", requests.failed),
        ("cache_evictions", "Pages of the KV cache given up for others", cache.evictions),
        ("speculation_drafted", "Tokens computed on trial", speculation.drafted),
        ("speculation_accepted", "Tokens computed on trial that were right", speculation.accepted),
    ] {
        registry.register(name, help, ConstCounter::new(value));
    }
    for (name, help, value) in [
        ("requests_waiting", "Requests being served or waiting", requests.waiting as i64),
        ("cache_pages", "Pages of the KV cache", cache.pages as i64),
        ("cache_pages_used", "Pages of the KV cache that hold something", cache.pages_used as i64),
        ("cache_tokens", "Tokens whose KV is held", cache.tokens as i64),
        ("cache_branches", "Sequences held", cache.branches as i64),
    ] {
        registry.register(name, help, ConstGauge::new(value));
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Now, as RFC 3339 has it.
pub(crate) fn timestamp() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
