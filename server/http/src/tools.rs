//! Calls of tools, read from what a model writes: each family has its own form.
//!
//! - Mistral: `[TOOL_CALLS]NAME[ARGS]{...}`, again for each call; before that, `[TOOL_CALLS][{"name": ..., "arguments": {...}}]`.
//! - Qwen2.5, Qwen3, Hermes: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`.
//! - Qwen3-Coder: `<tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>`.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// What begins a call.
const OPENINGS: [&str; 2] = ["[TOOL_CALLS]", "<tool_call>"];

/// One call, as OpenAI's clients read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Call {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Function {
    name: String,
    /// JSON, as a text.
    arguments: String,
}

/// Tells content from calls while a text comes.
#[derive(Debug)]
pub(crate) struct Reader {
    /// Whether there are tools to call: else all is content.
    reads: bool,
    /// Begins the calls' names.
    id: String,
    /// What has come and was not handed out.
    held: String,
}

impl Reader {
    pub(crate) fn new(reads: bool, id: &str) -> Self {
        Self { reads, id: id.to_owned(), held: String::new() }
    }

    /// Takes a piece in; gives what is content for certain.
    pub(crate) fn take(&mut self, piece: &str) -> String {
        self.held += piece;
        let certain = if self.reads { before_calls(&self.held) } else { self.held.len() };
        self.held.drain(..certain).collect()
    }

    /// What is left, at the end: content, and the calls. What begins a call and is none is content.
    pub(crate) fn end(&mut self) -> (String, Vec<Call>) {
        let held = std::mem::take(&mut self.held);
        let found = if self.reads { calls(&held) } else { None };
        let Some(found) = found else { return (held, Vec::new()) };
        let call = |(at, (name, arguments)): (usize, (String, Value))| Call {
            id: format!("call-{}-{at}", self.id),
            kind: "function",
            function: Function { name, arguments: arguments.to_string() },
        };
        let (behind, found) = found;
        (behind, found.into_iter().enumerate().map(call).collect())
    }
}

/// The bytes of `text` before the first opening, or before what may become one.
fn before_calls(text: &str) -> usize {
    let whole = OPENINGS.iter().filter_map(|opening| text.find(opening)).min();
    let cut =
        |opening: &&str| (1..opening.len()).rev().find(|&n| text.ends_with(&opening[..n])).map(|n| text.len() - n);
    let begun = OPENINGS.iter().filter_map(cut).min();
    whole.or(begun).unwrap_or(text.len())
}

/// What stands behind the calls of a text that begins with one, and the calls; `None` where it is not what a family writes.
fn calls(text: &str) -> Option<(String, Vec<(String, Value)>)> {
    let parts = |opening: &'static str| text.split(opening).map(str::trim).skip(1);
    if text.starts_with("[TOOL_CALLS]") {
        let all: Option<Vec<_>> = parts("[TOOL_CALLS]").map(mistral).collect();
        return all.map(|all| (String::new(), all.concat()));
    }
    if text.starts_with("<tool_call>") {
        let mut behind = String::new();
        let mut call = |part: &str| {
            // The last one: an argument may have it in it.
            let (body, after) = part.rsplit_once("</tool_call>").unwrap_or((part, ""));
            behind += after.trim();
            let body = body.trim();
            if body.starts_with('{') { named(&serde_json::from_str(body).ok()?) } else { xml(body) }
        };
        let all: Option<Vec<_>> = parts("<tool_call>").map(&mut call).collect();
        return all.map(|all| (behind, all));
    }
    None
}

fn mistral(part: &str) -> Option<Vec<(String, Value)>> {
    if let Some((name, arguments)) = part.split_once("[ARGS]") {
        // Between the two some models name the call.
        let name = name.split("[CALL_ID]").next().unwrap_or(name).trim();
        return Some(vec![(name.to_owned(), serde_json::from_str(arguments.trim()).ok()?)]);
    }
    let list: Vec<Value> = serde_json::from_str(part).ok()?;
    list.iter().map(named).collect()
}

/// `{"name": ..., "arguments": {...}}`.
fn named(call: &Value) -> Option<(String, Value)> {
    let arguments = match call.get("arguments").or_else(|| call.get("parameters")) {
        Some(Value::String(text)) => serde_json::from_str(text).ok()?,
        Some(arguments) => arguments.clone(),
        None => json!({}),
    };
    Some((call["name"].as_str()?.to_owned(), arguments))
}

/// Qwen3-Coder's. A value that is JSON and no text is taken as that, as its parser does without the tool's schema.
fn xml(body: &str) -> Option<(String, Value)> {
    let (name, rest) = body.strip_prefix("<function=")?.split_once('>')?;
    let mut arguments = Map::new();
    for part in rest.split("<parameter=").skip(1) {
        let (key, value) = part.split_once('>')?;
        let value = value.split("</parameter>").next()?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        let read = serde_json::from_str(value).ok().filter(|read: &Value| !read.is_string());
        arguments.insert(key.trim().to_owned(), read.unwrap_or_else(|| json!(value)));
    }
    Some((name.trim().to_owned(), Value::Object(arguments)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the text is cut into pieces: content, and names with their arguments.
    fn check(text: &str, content: &str, calls: &[(&str, &str)]) {
        for size in [1, 3, 7, text.len()] {
            let mut reader = Reader::new(true, "x");
            let mut said = String::new();
            let characters: Vec<char> = text.chars().collect();
            for piece in characters.chunks(size.max(1)) {
                said += &reader.take(&piece.iter().collect::<String>());
            }
            let (rest, found) = reader.end();
            let found: Vec<_> =
                found.iter().map(|call| (call.function.name.as_str(), call.function.arguments.as_str())).collect();
            assert_eq!((said + &rest, found), (content.to_owned(), calls.to_vec()), "in pieces of {size}");
        }
    }

    #[test]
    fn each_familys_form_is_read() {
        check(
            "I look.[TOOL_CALLS]read[ARGS]{\"path\": \"é\"}[TOOL_CALLS]now[CALL_ID]7[ARGS]{}",
            "I look.",
            &[("read", r#"{"path":"é"}"#), ("now", "{}")],
        );
        check(
            "[TOOL_CALLS][{\"name\": \"a\", \"arguments\": {\"b\": 1}}, {\"name\": \"c\"}]",
            "",
            &[("a", r#"{"b":1}"#), ("c", "{}")],
        );
        check(
            "ok\n<tool_call>\n{\"name\": \"a\", \"arguments\": {\"b\": [1]}}\n</tool_call>\n<tool_call>{\"name\":\"c\",\"arguments\":\"{}\"}</tool_call>",
            "ok\n",
            &[("a", r#"{"b":[1]}"#), ("c", "{}")],
        );
        check(
            "<tool_call>\n<function=write>\n<parameter=text>\na\n  b\n</parameter>\n<parameter=n>\n3\n</parameter>\n</function>\n</tool_call>",
            "",
            &[("write", r#"{"n":3,"text":"a\n  b"}"#)],
        );
        // Some models go on behind the calls.
        check("<tool_call>{\"name\":\"a\",\"arguments\":{}}</tool_call>\nDone.", "Done.", &[("a", "{}")]);
    }

    #[test]
    fn what_is_no_call_is_content() {
        for text in
            ["a < b [TOOL", "[TOOL_CALLS] are what Mistral writes", "<tool_call>{broken</tool_call>", "plain", ""]
        {
            check(text, text, &[]);
        }
        let mut reader = Reader::new(false, "x");
        assert_eq!(reader.take("[TOOL_CALLS]a[ARGS]{}"), "[TOOL_CALLS]a[ARGS]{}");
    }
}
