//! The manual page of all settings, made from their schema.

use serde_json::Value;

/// What stands before the tables.
const INTRODUCTION: &str = "\
# Settings

This page is made from the settings' own documentation (`pilotlight schema --page`); a test keeps it current.

Where a setting is named more than once, the last of these counts:

1. the defaults below;
2. the user's file: `$XDG_CONFIG_HOME/pilotlight/config.toml`, or `~/.config/pilotlight/config.toml` (`--config FILE` names another);
3. the workspace's file: `.pilotlight.toml` in a workspace's folder. It comes with the code, so it chooses behaviour only: sections that are marked as the user's are refused, with a message, and
   the rest of the file holds; and what the user has switched off it cannot switch on;
4. the editor's settings: `initializationOptions`, and what replaces them by `workspace/didChangeConfiguration`. Names may be written `likeThis` here, and a client may put them under `pilotlight`.
   Sections that are the user's alone are not taken from an editor; VS Code's extension passes them on the command line;
5. the command line: `--set SECTION.NAME=VALUE` for any of them, `--model`, `--threads`.

What cannot be taken (an unknown name, a wrong value) is told, in the log and to the editor, and costs that one setting. Sections that are the user's alone take effect when a daemon
starts, and editors in which `engine` differs are served by different daemons; all others hold for one connection or workspace.

```toml
# ~/.config/pilotlight/config.toml
[engine]
model = \"/path/to/qwen2.5-coder-1.5b-q8_0.gguf\"

[completion]
disabled-languages = [\"markdown\"]
```
";

/// The page, in Markdown.
pub(super) fn page(schema: &Value) -> String {
    let mut page = INTRODUCTION.to_owned();
    for (section, reference) in schema["properties"].as_object().into_iter().flatten() {
        page += &format!("\n## {section}\n\n{}\n\n", words(&reference["description"]));
        page += "| setting | default | what it is |\n|---|---|---|\n";
        rows(schema, section, reference, &mut page);
    }
    page
}

/// A row for each setting under `node`; those of a section within it by their whole names.
fn rows(schema: &Value, path: &str, node: &Value, page: &mut String) {
    for (name, field) in resolve(schema, node)["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let target = resolve(schema, field);
        if target["properties"].is_object() {
            rows(schema, &path, field, page);
            continue;
        }
        let choices = target["oneOf"].as_array().into_iter().flatten();
        let choices = choices.map(|choice| format!(" `{}`: {}", text(&choice["const"]), words(&choice["description"])));
        let meaning = words(&field["description"]) + &choices.collect::<String>();
        let bounds = bounds(field).map_or(String::new(), |bounds| format!(" ({bounds}.)"));
        *page += &format!("| `{path}` | `{}` | {}{bounds} |\n", field["default"], meaning.replace('|', "\\|"));
    }
}

/// What a number may be, where that is more than not to be negative.
fn bounds(field: &Value) -> Option<String> {
    match (&field["minimum"], &field["maximum"]) {
        (Value::Null, _) => None,
        (least, Value::Null) => (least.as_f64() > Some(0.0)).then(|| format!("At least {least}")),
        (least, most) => Some(format!("{least} to {most}")),
    }
}

/// Follows `$ref`.
fn resolve<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    let target = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| schema.pointer(pointer)).unwrap_or(node)
}

/// A description on one line.
fn words(description: &Value) -> String {
    text(description).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
