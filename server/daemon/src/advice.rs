//! What to do about the built-in model being small, on this machine.

use pilotlight_engine::EngineOptions;

use crate::settings::user_file;

const GIB: u64 = 1 << 30;

/// Memory in bytes that this process may use: all, and what of it is available. `None` where the system does not say.
pub(crate) fn memory() -> Option<(u64, u64)> {
    let refresh = sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::everything());
    let system = sysinfo::System::new_with_specifics(refresh).ok()?;
    let total = pilotlight_engine::machine_memory();
    Some((total, system.available_memory().min(total)))
}

/// One line on how to get a larger model for this machine; `None` where one is configured.
pub(crate) fn larger_model(engine: &EngineOptions) -> Option<String> {
    (engine.model == EngineOptions::default().model && engine.remote.url.is_empty()).then(|| {
        let (total, _) = memory().unwrap_or_default();
        let config = user_file().map_or("config.toml".to_owned(), |path| path.display().to_string());
        let (room, model) = suggestion(total);
        format!(
            "the built-in model is small. {room} {model}: `pilotlight models pull {model}`, then `model = \"{model}\"` under `[engine]` in {config}, or `--model {model}`"
        )
    })
}

/// A model of the catalogue that leaves three quarters of the memory to others, at a byte a weight, and none that the processor alone would be slow with; and why.
fn suggestion(total: u64) -> (String, &'static str) {
    let model = if total < 8 * GIB { "qwen2.5-coder-0.5b" } else { "qwen2.5-coder-1.5b" };
    let room = match total {
        0 => "A larger one is".to_owned(),
        _ => format!("This machine with its {:.0} GiB has room for", total as f64 / GIB as f64),
    };
    (room, model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_fits_the_machine_and_is_for_those_without_a_model() {
        assert!(suggestion(4 * GIB).0.contains("4 GiB"));
        for total in [0, 4 * GIB, 64 * GIB] {
            let model = suggestion(total).1;
            assert!(pilotlight_engine::hub::catalogue::find(model).is_some(), "{model} can be pulled");
        }
        assert!(larger_model(&EngineOptions::default()).is_some_and(|line| line.contains("config.toml")));
        let own = EngineOptions { model: "x.gguf".to_owned(), ..EngineOptions::default() };
        assert_eq!(larger_model(&own), None);
    }
}
