//! Diagnostics as compilers and checkers print them, in JSON.

use anyhow::{Context, Result, bail};
use pilotlight_assist::syntax::Position;
use serde_json::Value;

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) start: Position,
    pub(super) end: Position,
    /// In words.
    pub(super) message: String,
}

/// The errors and warnings of a report, with the file of each. Knows rustc's and cargo's messages (a line each), pyright's `--outputjson`, eslint's `--format json`, and a list of
/// `{"path", "line", "column", "message"}`, counted from 1.
///
/// # Errors
///
/// It is none of these.
pub(super) fn read(text: &str) -> Result<Vec<(String, Wrong)>> {
    const EXPECTED: &str = "expected diagnostics as JSON (cargo's or rustc's messages, pyright's --outputjson, eslint's, or a list of {path, line, column, message})";
    // One document, or one a line.
    let values: Vec<Value> = match serde_json::from_str(text) {
        Ok(Value::Array(values)) => values,
        Ok(value) => vec![value],
        Err(_) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let values = lines.enumerate().map(|(at, line)| {
                serde_json::from_str(line).with_context(|| format!("{EXPECTED}, found line {}", at + 1))
            });
            values.collect::<Result<_>>()?
        }
    };
    let mut all = Vec::new();
    for value in &values {
        // Cargo tells of artifacts too.
        let rustc = if value["reason"].is_string() { &value["message"] } else { value };
        if rustc["spans"].is_array() {
            all.extend(of_rustc(rustc));
        } else if value["reason"].is_string() {
        } else if let Some(diagnostics) = value["generalDiagnostics"].as_array() {
            all.extend(diagnostics.iter().filter_map(of_pyright));
        } else if let (Some(path), Some(messages)) = (value["filePath"].as_str(), value["messages"].as_array()) {
            all.extend(messages.iter().filter_map(|it| Some((path.to_owned(), counted_from_one(it)?))));
        } else if let (Some(path), Some(wrong)) = (value["path"].as_str(), counted_from_one(value)) {
            all.push((path.to_owned(), wrong));
        } else {
            let found: String = value.to_string().chars().take(80).collect();
            bail!("{EXPECTED}, found {found}");
        }
    }
    Ok(all)
}

fn of_rustc(message: &Value) -> Option<(String, Wrong)> {
    if !matches!(message["level"].as_str(), Some("error" | "warning")) {
        return None;
    }
    let span = message["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let at = |line: &str, column: &str| position(&span[line], &span[column]);
    let mut text = message["message"].as_str()?.to_owned();
    text.extend(span["label"].as_str().map(|label| format!(": {label}")));
    for help in message["children"].as_array().into_iter().flatten() {
        text.extend(help["message"].as_str().map(|help| format!("\n{help}")));
    }
    let (start, end) = (at("line_start", "column_start")?, at("line_end", "column_end")?);
    Some((span["file_name"].as_str()?.to_owned(), Wrong { start, end, message: text }))
}

/// Counted from 0.
fn of_pyright(diagnostic: &Value) -> Option<(String, Wrong)> {
    if diagnostic["severity"] == "information" {
        return None;
    }
    let at = |end: &str| {
        let place = &diagnostic["range"][end];
        let number = |name: &str| u32::try_from(place[name].as_u64()?).ok();
        Some(Position { line: number("line")?, character: number("character")? })
    };
    let message = diagnostic["message"].as_str()?.to_owned();
    Some((diagnostic["file"].as_str()?.to_owned(), Wrong { start: at("start")?, end: at("end")?, message }))
}

fn counted_from_one(diagnostic: &Value) -> Option<Wrong> {
    let start = position(&diagnostic["line"], &diagnostic["column"])?;
    let end = position(&diagnostic["endLine"], &diagnostic["endColumn"]).unwrap_or(start);
    Some(Wrong { start, end, message: diagnostic["message"].as_str()?.to_owned() })
}

fn position(line: &Value, column: &Value) -> Option<Position> {
    let number = |value: &Value| u32::try_from(value.as_u64()?.checked_sub(1)?).ok();
    Some(Position { line: number(line)?, character: number(column)? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |(path, Wrong { start, end, message }): (String, Wrong)| {
            format!("{path} {}:{} {}:{} {message}", start.line, start.character, end.line, end.character)
        };
        read(text).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn reports_that_are_known() {
        let cargo = r#"{"reason":"compiler-artifact","package_id":"x"}
{"reason":"compiler-message","message":{"level":"error","message":"mismatched types","children":[{"message":"try this"}],"spans":[{"is_primary":false,"file_name":"b.rs"},{"is_primary":true,"file_name":"src/a.rs","line_start":3,"line_end":3,"column_start":5,"column_end":9,"label":"expected `u8`"}]}}
{"reason":"compiler-message","message":{"level":"failure-note","message":"more","children":[],"spans":[]}}
{"reason":"build-finished","success":false}
"#;
        assert_eq!(shown(cargo), ["src/a.rs 2:4 2:8 mismatched types: expected `u8`\ntry this"]);
        let pyright = r#"{"generalDiagnostics":[{"file":"/a.py","severity":"error","message":"no","range":{"start":{"line":1,"character":2},"end":{"line":1,"character":4}}}]}"#;
        assert_eq!(shown(pyright), ["/a.py 1:2 1:4 no"]);
        let eslint = r#"[{"filePath":"/a.js","messages":[{"line":1,"column":2,"message":"no"}]}]"#;
        assert_eq!(shown(eslint), ["/a.js 0:1 0:1 no"]);
        let plain = r#"[{"path":"a.go","line":4,"column":1,"message":"no"}]"#;
        assert_eq!(shown(plain), ["a.go 3:0 3:0 no"]);
        assert!(shown("").is_empty() && shown("[]").is_empty());
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for (text, found) in [("nonsense", "found line 1"), ("{\"x\":1}", "found {\"x\":1}"), ("[3]", "found 3")] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.starts_with("expected diagnostics as JSON") && error.contains(found), "{error}");
        }
    }
}
