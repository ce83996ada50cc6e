//! The loaded engine, and how prompts are written for it.

use pilotlight_context::{UnknownFamily, family, next_edit};
use pilotlight_engine::Engine;

use crate::prompt::PromptEncoder;

/// An engine whose fill-in-the-middle format is known.
pub(crate) struct Model {
    pub(crate) engine: Engine,
    pub(crate) encoder: PromptEncoder,
}

impl Model {
    pub(crate) fn new(engine: Engine) -> Result<Self, UnknownFamily> {
        let encoder = PromptEncoder::new(engine.clone())?;
        Ok(Self { engine, encoder })
    }
}

/// The special tokens that prompts may want of a server, by the setting `engine.remote.format`: of every format, of the one that is named, or none.
///
/// # Errors
///
/// No format has the name.
pub fn markers(format: &str) -> Result<Vec<&'static str>, String> {
    let families = family::FAMILIES.iter().filter(|family| family.name != family::server::FAMILY.name);
    let chosen: Vec<_> = families.clone().filter(|family| format == "auto" || family.name == format).collect();
    if chosen.is_empty() && format != "server" {
        let names: Vec<_> = families.map(|family| family.name).collect();
        return Err(format!("`auto`, `server` or one of {}", names.join(", ")));
    }
    let named = |family: &&family::Family| family.markers.iter().chain(family.stops).chain(family.foreign).copied();
    let mut markers: Vec<_> = chosen.iter().flat_map(named).collect();
    // What only tells families apart is not believed of one that is named.
    if let ([family], false) = (&chosen[..], format == "auto") {
        markers.retain(|marker| !family.foreign.contains(marker));
    }
    // A next-edit model has its base's format, and tokens of its own; of a format that is named all are believed.
    if format == "auto" {
        markers.extend(next_edit::FORMS.iter().flat_map(next_edit::Form::tokens));
    }
    markers.sort_unstable();
    markers.dedup();
    Ok(markers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pilotlight_engine::remote::{PREFIX_PART, SUFFIX_PART};

    use super::*;

    #[test]
    fn the_parts_have_the_engines_names() {
        assert_eq!(family::server::FAMILY.markers, [SUFFIX_PART, PREFIX_PART]);
    }

    #[test]
    fn a_format_is_named_or_all_are_asked_for() {
        let all = markers("auto").unwrap();
        assert!(all.contains(&"<|fim_prefix|>") && all.contains(&"[SYSTEM_PROMPT]") && !all.contains(&PREFIX_PART));
        assert_eq!(markers("codestral").unwrap(), ["</s>", "<s>", "[PREFIX]", "[SUFFIX]"]);
        assert!(markers("server").unwrap().is_empty());
        assert!(markers("qwen").unwrap_err().contains("qwen2.5-coder, "));
    }
}
