//! From records to figures: what is committed in results.json, and a table to read.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    driver::{Cause, Record},
    exact::Approximation,
};

/// Everything one run recorded.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Run {
    pub(crate) setting: Setting,
    pub(crate) records: Vec<Record>,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Setting {
    /// `pilotlight`, or the baseline and how it was asked.
    pub(crate) peer: String,
    pub(crate) model: String,
    /// Of the model's file.
    pub(crate) model_sha256: String,
    /// How it was computed.
    pub(crate) backend: String,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    /// Keys of one session at most.
    pub(crate) per_session: usize,
    /// Whether keys came at a person's pace, or each as soon as the last was answered.
    pub(crate) human_pace: bool,
    /// Whether the peer worked ahead while nothing was typed.
    pub(crate) look_ahead: bool,
    #[serde(default)]
    pub(crate) recall: bool,
    /// Prompt tokens computed by what no key asked for (warm-up calls, requests ahead); 0 where the peer does not tell.
    pub(crate) background_tokens: usize,
}

/// The middle, the mean and the far end.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) mean: f64,
    pub(crate) p99: f64,
}

/// Quantiles of milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

/// How many keys had a cause, and what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Share {
    pub(crate) share: f64,
    pub(crate) prefilled_mean: f64,
}

/// Where the cache served, and where not and why.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct HitRate {
    /// Keys that were kept or only appended, of all that wanted an answer.
    pub(crate) all: f64,
    pub(crate) by_cause: BTreeMap<Cause, Share>,
}

/// The figures of a run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Figures {
    pub(crate) setting: Setting,
    pub(crate) keystrokes: usize,
    pub(crate) sessions: usize,
    pub(crate) keystrokes_by_language: BTreeMap<String, usize>,
    /// Prompt tokens computed for a key, over all keys.
    pub(crate) prefilled_per_keystroke: Spread,
    /// The same over the keys that type a character.
    pub(crate) prefilled_per_typed_character: Spread,
    pub(crate) background_tokens_per_keystroke: f64,
    pub(crate) hit_rate: HitRate,
    /// Keys after which ghost text stood on the screen.
    pub(crate) shown_share: f64,
    /// From the key to the ghost text, over the keys that showed some.
    pub(crate) latency_ms: Latency,
    /// The same where the model was asked for it: what was kept is not counted.
    pub(crate) computed_latency_ms: Latency,
    /// From the key to the first token, over the keys for which the model was asked.
    pub(crate) first_token_ms: Latency,
}

impl Figures {
    pub(crate) fn of(run: &Run) -> Self {
        let records = &run.records;
        let count = records.len().max(1) as f64;
        let tokens = |records: &mut dyn Iterator<Item = &Record>| {
            Spread::of(records.map(|record| record.prefilled as f64).collect())
        };
        let mut keystrokes_by_language = BTreeMap::new();
        for record in records {
            *keystrokes_by_language.entry(record.language.clone()).or_insert(0) += 1;
        }
        let mut sessions: Vec<usize> = records.iter().map(|record| record.session).collect();
        sessions.dedup();
        let shown = || records.iter().filter(|record| record.shown);
        Self {
            setting: run.setting.clone(),
            keystrokes: records.len(),
            sessions: sessions.len(),
            keystrokes_by_language,
            prefilled_per_keystroke: tokens(&mut records.iter()),
            prefilled_per_typed_character: tokens(&mut records.iter().filter(|record| record.key == "character")),
            background_tokens_per_keystroke: rounded(run.setting.background_tokens as f64 / count),
            hit_rate: HitRate::of(records),
            shown_share: rounded(shown().count() as f64 / count),
            latency_ms: Latency::of(shown().map(|record| record.took).collect()),
            computed_latency_ms: Latency::of(
                shown().filter(|record| record.first_token.is_some()).map(|record| record.took).collect(),
            ),
            first_token_ms: Latency::of(records.iter().filter_map(|record| record.first_token).collect()),
        }
    }
}

impl HitRate {
    fn of(records: &[Record]) -> Self {
        let asked: Vec<&Record> = records.iter().filter(|record| record.cause != Cause::NotAsked).collect();
        let count = asked.len().max(1) as f64;
        let mut causes: BTreeMap<Cause, Vec<f64>> = BTreeMap::new();
        for record in &asked {
            causes.entry(record.cause).or_default().push(record.prefilled as f64);
        }
        let share = |tokens: &Vec<f64>| Share {
            share: rounded(tokens.len() as f64 / count),
            prefilled_mean: rounded(tokens.iter().sum::<f64>() / tokens.len() as f64),
        };
        let hits = asked.iter().filter(|record| matches!(record.cause, Cause::Kept | Cause::Appended)).count();
        Self {
            all: rounded(hits as f64 / count),
            by_cause: causes.iter().map(|(cause, tokens)| (*cause, share(tokens))).collect(),
        }
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        Self { median: quantile(&values, 0.5), mean: rounded(mean), p99: quantile(&values, 0.99) }
    }
}

impl Latency {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { p50: quantile(&values, 0.5), p95: quantile(&values, 0.95), p99: quantile(&values, 0.99) }
    }
}

/// The smallest value that at least `share` of the sorted `values` do not exceed; 0 where there is none.
fn quantile(values: &[f64], share: f64) -> f64 {
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().map_or(0.0, rounded)
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// How many times less, or faster: the baseline's figure over ours.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Ratio {
    pub(crate) prefilled_median: Option<f64>,
    pub(crate) prefilled_mean: Option<f64>,
    pub(crate) latency_p50: Option<f64>,
    pub(crate) latency_p95: Option<f64>,
    pub(crate) computed_latency_p50: Option<f64>,
    pub(crate) first_token_p50: Option<f64>,
}

impl Ratio {
    /// `None` where ours is zero: there is nothing to divide by.
    pub(crate) fn of(ours: &Figures, baseline: &Figures) -> Self {
        let ratio = |ours: f64, baseline: f64| (ours > 0.0).then(|| rounded(baseline / ours));
        let (tokens, theirs) = (ours.prefilled_per_keystroke, baseline.prefilled_per_keystroke);
        Self {
            prefilled_median: ratio(tokens.median, theirs.median),
            prefilled_mean: ratio(tokens.mean, theirs.mean),
            latency_p50: ratio(ours.latency_ms.p50, baseline.latency_ms.p50),
            latency_p95: ratio(ours.latency_ms.p95, baseline.latency_ms.p95),
            computed_latency_p50: ratio(ours.computed_latency_ms.p50, baseline.computed_latency_ms.p50),
            first_token_p50: ratio(ours.first_token_ms.p50, baseline.first_token_ms.p50),
        }
    }
}

/// Ours, the baseline's, and the ratios, on one model.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Comparison {
    #[serde(flatten)]
    pub(crate) ours: Figures,
    pub(crate) baseline: Option<Figures>,
    pub(crate) ratio: Option<Ratio>,
}

impl Comparison {
    pub(crate) fn of(ours: &Run, baseline: Option<&Run>) -> Self {
        let ours = Figures::of(ours);
        let baseline = baseline.map(Figures::of);
        let ratio = baseline.as_ref().map(|baseline| Ratio::of(&ours, baseline));
        Self { ours, baseline, ratio }
    }

    /// As a table to read.
    pub(crate) fn table(&self) -> String {
        let mut table = row("", "pilotlight", self.baseline.as_ref().map(|_| "llama.vim"));
        let mut line = |name: &str, figure: &dyn Fn(&Figures) -> f64| {
            let theirs = self.baseline.as_ref().map(|baseline| figure(baseline).to_string());
            table.push_str(&row(name, &figure(&self.ours).to_string(), theirs.as_deref()));
        };
        line("keystrokes", &|figures| figures.keystrokes as f64);
        line("tokens prefilled a keystroke: median", &|figures| figures.prefilled_per_keystroke.median);
        line("                              mean", &|figures| figures.prefilled_per_keystroke.mean);
        line("                              p99", &|figures| figures.prefilled_per_keystroke.p99);
        line("tokens prefilled a character: median", &|figures| figures.prefilled_per_typed_character.median);
        line("                              mean", &|figures| figures.prefilled_per_typed_character.mean);
        line("background tokens a keystroke", &|figures| figures.background_tokens_per_keystroke);
        line("hit rate", &|figures| figures.hit_rate.all);
        line("ghost text shown", &|figures| figures.shown_share);
        line("key to ghost text, ms: p50", &|figures| figures.latency_ms.p50);
        line("                       p95", &|figures| figures.latency_ms.p95);
        line("                       p99", &|figures| figures.latency_ms.p99);
        line("  where computed:      p50", &|figures| figures.computed_latency_ms.p50);
        line("key to first token, ms: p50", &|figures| figures.first_token_ms.p50);
        line("                        p95", &|figures| figures.first_token_ms.p95);
        for (name, figures) in [("pilotlight", Some(&self.ours)), ("llama.vim", self.baseline.as_ref())] {
            for (cause, share) in figures.into_iter().flat_map(|figures| &figures.hit_rate.by_cause) {
                let Share { share, prefilled_mean } = share;
                table.push_str(&format!(
                    "{name}: {:<16} {:>6.2} %, {prefilled_mean:>8.1} tokens\n",
                    format!("{cause:?}"),
                    share * 100.0
                ));
            }
        }
        table
    }
}

fn row(name: &str, ours: &str, theirs: Option<&str>) -> String {
    format!("{name:<38} {ours:>12} {:>12}\n", theirs.unwrap_or_default())
}

/// Of so many counted, one may differ between two runs of one build.
const SLACK: usize = 200;

/// The counters that a change of the cache would change; the same on every run of one build and model.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Counters {
    pub(crate) setting: Setting,
    pub(crate) keystrokes: usize,
    pub(crate) prefilled: usize,
    pub(crate) reused: usize,
    pub(crate) decoded: usize,
    pub(crate) shown: usize,
    pub(crate) prefilled_per_keystroke: Spread,
    pub(crate) keystrokes_by_cause: BTreeMap<Cause, usize>,
}

impl Counters {
    pub(crate) fn of(run: &Run) -> Self {
        let sum = |field: fn(&Record) -> usize| run.records.iter().map(field).sum();
        let mut keystrokes_by_cause = BTreeMap::new();
        for record in &run.records {
            *keystrokes_by_cause.entry(record.cause).or_insert(0) += 1;
        }
        Self {
            setting: run.setting.clone(),
            keystrokes: run.records.len(),
            prefilled: sum(|record| record.prefilled),
            reused: sum(|record| record.reused),
            decoded: sum(|record| record.decoded),
            shown: sum(|record| usize::from(record.shown)),
            prefilled_per_keystroke: Figures::of(run).prefilled_per_keystroke,
            keystrokes_by_cause,
        }
    }

    /// What differs from what was `committed`, in words; empty where all is as it was.
    ///
    /// With the same model and backend every counter must be equal, but for one in [`SLACK`]: the engine decodes on for a step or two before it hears that enough was said, and what it
    /// had time for is in its cache, where a later key may find it. Another backend adds floats in another order, so that a few greedy choices fall otherwise; another
    /// model suggests other text, and other text is kept or accepted: then the cost of a keystroke must not rise by more than a tenth (half a token at the least).
    pub(crate) fn differences(&self, committed: &Counters) -> Vec<String> {
        if self.setting == committed.setting {
            let near = |found: usize, before: usize| found.abs_diff(before) <= before / SLACK + 2;
            let causes =
                |counters: &Counters, cause: &Cause| counters.keystrokes_by_cause.get(cause).copied().unwrap_or(0);
            let mut all = self.keystrokes_by_cause.keys().chain(committed.keystrokes_by_cause.keys());
            let same = self.keystrokes == committed.keystrokes
                && near(self.prefilled, committed.prefilled)
                && near(self.reused, committed.reused)
                && near(self.decoded, committed.decoded)
                && near(self.shown, committed.shown)
                && all.all(|cause| near(causes(self, cause), causes(committed, cause)));
            let show = |counters: &Counters| serde_json::to_string(counters).unwrap_or_else(|error| error.to_string());
            let told = || format!("committed: {}\nfound:     {}", show(committed), show(self));
            return (!same).then(told).into_iter().collect();
        }
        let (found, before) = (self.prefilled_per_keystroke, committed.prefilled_per_keystroke);
        [("median", found.median, before.median), ("mean", found.mean, before.mean), ("p99", found.p99, before.p99)]
            .into_iter()
            .filter(|(_, found, before)| *found > before * 1.1 + 0.5)
            .map(|(name, found, before)| {
                format!("tokens prefilled a keystroke, {name}: {before} committed, {found} found")
            })
            .collect()
    }
}

/// What is committed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Results {
    /// The built-in model.
    #[serde(flatten)]
    pub(crate) ember: Comparison,
    /// A prefix-first model of the size people run, with random weights: costs and times, but no text worth showing.
    pub(crate) qwen_0_5b_shape: Option<Comparison>,
    /// The sample that CI plays.
    pub(crate) ci: Option<Counters>,
    /// What answers at once (`completion.answer-now`) are worth.
    #[serde(default)]
    pub(crate) approximate: Option<Approximation>,
}

impl Results {
    /// What is committed; `None` where nothing is yet.
    pub(crate) fn read() -> Result<Option<Self>> {
        let path = Self::path();
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).map(Some).with_context(|| path.display().to_string())
    }

    pub(crate) fn write(&self) -> Result<()> {
        let path = Self::path();
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n").with_context(|| path.display().to_string())
    }

    fn path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/results.json")
    }
}

#[cfg(test)]
mod tests;
