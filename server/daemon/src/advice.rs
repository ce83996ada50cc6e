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
        format!(
            "the built-in model is small. {}: name it by `--model FILE`, or as `model` under `[engine]` in {config}",
            suggestion(total)
        )
    })
}

/// A model that leaves three quarters of the memory to others, at a byte a weight; and none that the processor alone would be slow with.
fn suggestion(total: u64) -> String {
    let model = if total < 8 * GIB { "Qwen2.5-Coder-0.5B" } else { "Qwen2.5-Coder-1.5B" };
    match total {
        0 => format!("A larger one is {model} as a Q8_0 .gguf file"),
        _ => format!(
            "This machine with its {:.0} GiB has room for {model} as a Q8_0 .gguf file",
            total as f64 / GIB as f64
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_fits_the_machine_and_is_for_those_without_a_model() {
        assert!(suggestion(4 * GIB).contains("4 GiB has room for Qwen2.5-Coder-0.5B"));
        assert!(suggestion(64 * GIB).contains("64 GiB has room for Qwen2.5-Coder-1.5B"));
        assert!(suggestion(0).contains("Qwen2.5-Coder-0.5B"));
        assert!(larger_model(&EngineOptions::default()).is_some_and(|line| line.contains("config.toml")));
        let own = EngineOptions { model: "x.gguf".to_owned(), ..EngineOptions::default() };
        assert_eq!(larger_model(&own), None);
    }
}
