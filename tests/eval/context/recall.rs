//! Does the context hold the names that a hidden line needs?

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

use pilotlight_assist::syntax::index::words;
use pilotlight_context::TokenCounter;
use pilotlight_engine::{Engine, ModelSource, Tokenizer};
use serde_json::{Value, json};

use crate::{
    dice::Dice,
    methods::{OTHERS, OURS, ours, within},
    package::Package,
};

const BUDGETS: [usize; 3] = [512, 1024, 2048];

/// Ember's tokens, for all methods.
struct Ember(std::sync::Arc<Tokenizer>);

impl TokenCounter for Ember {
    fn count(&self, text: &str) -> usize {
        self.0.encode(text).len()
    }
}

/// The share of needed names that the context has, a line's mean, over all lines and by package.
pub(crate) fn run(folders: &[PathBuf], most: usize) -> Value {
    let counter = Ember(Engine::load(&ModelSource::Ember).unwrap().tokenizer().clone());
    let mut all = Table::default();
    let mut packages = BTreeMap::new();
    for folder in folders {
        let mut package = Package::read(folder);
        let mut table = Table::default();
        for (file, line, needs) in package.lines(most, Dice::new(11).on(&package.name)) {
            package.hiding(file, line, 0, &needs, |package, hidden| {
                let mut add = |name, budget, context: &str| {
                    let mut has: HashSet<&str> = HashSet::new();
                    words::identifiers(context, |word| _ = has.insert(word));
                    let found = hidden.needs.iter().filter(|need| has.contains(need.as_str())).count();
                    table.add(name, budget, found as f64 / hidden.needs.len() as f64);
                };
                for (name, ranking) in OTHERS {
                    let texts = ranking(package, hidden);
                    for budget in BUDGETS {
                        add(name, budget, &within(&texts, budget, &counter));
                    }
                }
                for budget in BUDGETS {
                    add(OURS, budget, &ours(package, hidden, budget, &counter));
                }
            });
        }
        eprintln!("{}: {} lines, {}", package.name, table.lines(), table.brief());
        all.merge(&table);
        packages.insert(package.name.clone(), json!({ "lines": table.lines(), "recall": table.means() }));
    }
    let best = |budget: usize| OTHERS.iter().map(|(method, _)| all.mean(method, budget)).fold(0.0, f64::max);
    let over: BTreeMap<String, f64> = BUDGETS
        .iter()
        .map(|&budget| (budget.to_string(), round(all.mean(OURS, budget) / best(budget).max(1e-9))))
        .collect();
    json!({
        "lines": all.lines(), "window": crate::methods::WINDOW, "tokens_of": "ember",
        "recall": all.means(), "over_the_best_other": over, "packages": packages,
    })
}

#[derive(Default)]
struct Table {
    sums: BTreeMap<(&'static str, usize), (f64, usize)>,
}

impl Table {
    fn add(&mut self, method: &'static str, budget: usize, recall: f64) {
        let cell = self.sums.entry((method, budget)).or_default();
        *cell = (cell.0 + recall, cell.1 + 1);
    }

    fn merge(&mut self, other: &Self) {
        for (key, (sum, count)) in &other.sums {
            let cell = self.sums.entry(*key).or_default();
            *cell = (cell.0 + sum, cell.1 + count);
        }
    }

    fn lines(&self) -> usize {
        self.sums.values().map(|(_, count)| *count).max().unwrap_or(0)
    }

    fn mean(&self, method: &str, budget: usize) -> f64 {
        let cell = self.sums.iter().find(|((name, size), _)| *name == method && *size == budget);
        cell.map_or(0.0, |(_, (sum, count))| sum / (*count).max(1) as f64)
    }

    fn means(&self) -> BTreeMap<&'static str, BTreeMap<String, f64>> {
        let mut means: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (method, budget) in self.sums.keys() {
            means.entry(*method).or_default().insert(budget.to_string(), round(self.mean(method, *budget)));
        }
        means
    }

    fn brief(&self) -> String {
        let names = OTHERS.iter().map(|(name, _)| *name).chain([OURS]);
        names.map(|name| format!("{name} {:.3}", self.mean(name, 1024))).collect::<Vec<_>>().join(", ")
    }
}

fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
