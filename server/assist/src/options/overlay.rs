//! Settings in layers: each is laid over the last, name by name, and what cannot be taken is told and left out, so that one mistake costs one setting.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// `base` with what `layer` names in its place, and a warning for each name or value that was not taken: what is unknown, of another type, or beyond the bounds that the setting was declared with.
/// Names may be written `likeThis` or `like-this`; `null` leaves the setting as it is. `source` names the layer in the warnings.
pub fn overlay<T>(base: &T, layer: &Value, source: &str) -> (T, Vec<String>)
where
    T: Clone + Serialize + DeserializeOwned + JsonSchema,
{
    let mut warnings = Vec::new();
    let mut all = match serde_json::to_value(base) {
        Ok(all) => all,
        // Options are structs of plain values: they can always be written.
        Err(error) => return (base.clone(), vec![format!("{source}: {error}; ignored")]),
    };
    match layer {
        Value::Null => {}
        Value::Object(layer) => {
            let schema = Value::from(schemars::schema_for!(T));
            lay::<T>(&mut all, &schema, &mut Vec::new(), layer, source, &mut warnings);
        }
        other => warnings.push(format!("{source}: expected an object, found {other}; ignored")),
    }
    (serde_json::from_value(all).unwrap_or_else(|_| base.clone()), warnings)
}

/// Lays `layer` over the section of `all` at `path`; `all` can be read as a `T` before and after.
fn lay<T: DeserializeOwned>(
    all: &mut Value,
    schema: &Value,
    path: &mut Vec<String>,
    layer: &Map<String, Value>,
    source: &str,
    warnings: &mut Vec<String>,
) {
    for (given, value) in layer {
        let name = kebab(given);
        let written = path.iter().map(|section| format!("{section}.")).collect::<String>() + given;
        let Some(section) = section(all, path) else { return };
        match section.get(&name) {
            None => {
                let known = section.keys().cloned().collect::<Vec<_>>().join(", ");
                warnings.push(format!("{source}: {written} is unknown and ignored; expected one of {known}"));
            }
            Some(Value::Object(_)) if value.is_object() => {
                let Value::Object(inner) = value else { continue };
                path.push(name);
                lay::<T>(all, schema, path, inner, source, warnings);
                path.pop();
            }
            Some(_) if value.is_null() => {}
            Some(_) => {
                let bounds = Bounds::of(schema, path, &name);
                let old = section.insert(name.clone(), value.clone());
                let read = T::deserialize(&*all).map(drop).map_err(|error| error.to_string());
                if let Err(error) = read.and_then(|()| bounds.hold(value)) {
                    warnings.push(format!("{source}: {written}: {error}; ignored"));
                    if let (Some(section), Some(old)) = (self::section(all, path), old) {
                        section.insert(name, old);
                    }
                }
            }
        }
    }
}

/// The least and the greatest number that a setting may be, by its schema.
struct Bounds(Option<f64>, Option<f64>);

impl Bounds {
    /// Of the setting `name` in the section at `path`.
    fn of(schema: &Value, path: &[String], name: &String) -> Self {
        let resolved = |node: &'_ Value| {
            let target = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
            target.and_then(|pointer| schema.pointer(pointer)).unwrap_or(node).clone()
        };
        let within = |node: Value, name| resolved(&node["properties"][name]);
        let setting = path.iter().chain([name]).fold(schema.clone(), within);
        Self(setting["minimum"].as_f64(), setting["maximum"].as_f64())
    }

    fn hold(&self, value: &Value) -> Result<(), String> {
        let Some(number) = value.as_f64() else { return Ok(()) };
        let expected = match self {
            Self(Some(least), Some(most)) if !(*least..=*most).contains(&number) => format!("{least} to {most}"),
            Self(Some(least), None) if number < *least => format!("{least} or more"),
            Self(None, Some(most)) if number > *most => format!("{most} or less"),
            _ => return Ok(()),
        };
        Err(format!("expected {expected}, found {number}"))
    }
}

fn section<'a>(all: &'a mut Value, path: &[String]) -> Option<&'a mut Map<String, Value>> {
    path.iter().try_fold(all, |section, name| section.get_mut(name))?.as_object_mut()
}

fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{CompletionOptions, Options};
    use serde_json::json;

    fn check(layer: Value) -> (Options, Vec<String>) {
        overlay(&Options::default(), &layer, "x.toml")
    }

    #[test]
    fn what_is_known_is_taken_and_the_rest_is_told() {
        let (options, warnings) = check(json!({
            "completion": { "maxTokens": 7, "min-confidence": "high", "look-ahead": null, "warp": 9 },
            "telemetry": { "on": true },
            "Completion": false,
        }));
        let completion = CompletionOptions { max_tokens: 7, ..CompletionOptions::default() };
        assert_eq!(options.completion, completion);
        let known = serde_json::to_value(&completion).unwrap_or_default();
        let known = known.as_object().map(|known| known.keys().cloned().collect::<Vec<_>>().join(", "));
        assert_eq!(
            warnings,
            [
                "x.toml: Completion is unknown and ignored; expected one of actions, completion".to_owned(),
                "x.toml: completion.min-confidence: invalid type: string \"high\", expected f32; ignored".to_owned(),
                format!(
                    "x.toml: completion.warp is unknown and ignored; expected one of {}",
                    known.unwrap_or_default()
                ),
                "x.toml: telemetry is unknown and ignored; expected one of actions, completion".to_owned(),
            ]
        );
    }

    #[test]
    fn a_number_out_of_bounds_costs_that_one_setting() {
        let (options, warnings) = check(
            json!({ "completion": { "max-tokens": 0, "minConfidence": 7, "context-tokens": 512, "repository-tokens": null } }),
        );
        let completion = CompletionOptions { context_tokens: 512, ..CompletionOptions::default() };
        assert_eq!(options.completion, completion);
        assert_eq!(
            warnings,
            [
                "x.toml: completion.max-tokens: expected 1 to 65536, found 0; ignored",
                "x.toml: completion.minConfidence: expected 0 to 1, found 7; ignored",
            ]
        );
    }

    #[test]
    fn a_section_is_not_replaced_by_a_value_and_nothing_by_what_is_no_object() {
        assert_eq!(check(Value::Null), (Options::default(), vec![]));
        let (options, warnings) = check(json!({ "completion": false }));
        assert_eq!((options, warnings.len()), (Options::default(), 1));
        assert!(warnings[0].starts_with("x.toml: completion: "), "{warnings:?}");
        let (options, warnings) = check(json!(["x"]));
        assert_eq!(options, Options::default());
        assert_eq!(warnings, ["x.toml: expected an object, found [\"x\"]; ignored"]);
    }
}
