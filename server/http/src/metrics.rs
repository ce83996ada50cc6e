//! Figures in Prometheus' text format.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use pilotlight_assist::Report;
use pilotlight_engine::Finish;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{Failure, Surface};

/// What is counted, of requests by HTTP.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<End, Counter>,
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

impl Default for Metrics {
    fn default() -> Self {
        let seconds =
            || Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]);
        let mut metrics = Self {
            registry: Registry::with_prefix("pilotlight"),
            requests: Family::default(),
            reused: Counter::default(),
            prefilled: Counter::default(),
            decoded: Counter::default(),
            first_token: seconds(),
            total: seconds(),
            next: AtomicU64::new(1),
        };
        let registry = &mut metrics.registry;
        registry.register("http_generations", "Texts written, by how they ended", metrics.requests.clone());
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
    pub(crate) fn count(&self, report: &Report) {
        let finish = match report.finish {
            Some(Finish::Stop) => "stop",
            Some(Finish::Length) => "length",
            Some(Finish::TimeLimit) => "time-limit",
            _ => "cancelled",
        };
        self.requests.get_or_create(&End { finish }).inc();
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

/// `GET /metrics`.
pub(crate) async fn page(State(surface): State<Surface>) -> Result<Response, Failure> {
    let mut text = String::new();
    encode(&mut text, &surface.metrics.registry).map_err(|error| Failure::unavailable(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Now, as RFC 3339 has it.
pub(crate) fn timestamp() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
