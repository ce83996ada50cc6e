//! The environment of a chat template: Jinja2 as transformers sets it up (`trim_blocks`, `lstrip_blocks`, loop controls, `tojson`, `raise_exception`, `strftime_now`).

use std::{collections::HashMap, fmt::Write as _};

use minijinja::{
    Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Kwargs, ValueKind},
};

use super::ChatError;

/// Steps of a template's program: a conversation of a thousand long messages stays far below. A checkpoint's template is somebody else's program.
const FUEL: u64 = 50_000_000;
const NAME: &str = "chat";

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    named: HashMap<String, String>,
}

impl Template {
    /// Compiles `source`; `named` are variables such as `bos_token`.
    ///
    /// # Errors
    ///
    /// What is wrong with it and where, in words.
    pub fn new(source: &str, named: HashMap<String, String>) -> Result<Self, String> {
        let mut environment = Environment::new();
        let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(blocks.map_err(|error| error.to_string())?);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(python);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message).with_source(Raised))
        });
        environment.add_function("strftime_now", |format: String| -> Result<String, Error> {
            let now = jiff::Zoned::now();
            jiff::fmt::strtime::format(&format, &now)
                .map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}")))
        });
        // As Python's `iter`: nothing is no list there.
        environment.add_test("iterable", |value: &Value| {
            matches!(
                value.kind(),
                ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable
            )
        });
        environment.add_filter("tojson", to_json);
        environment.add_filter("string", |value: &Value| spelled(value));
        environment
            .add_template_owned(NAME, plain(source))
            .map_err(|error| format!("{error} (line {})", error.line().unwrap_or(0)))?;
        Ok(Self { environment, named })
    }

    /// The prompt for the next answer, as text.
    ///
    /// # Errors
    ///
    /// The template refuses, or it fails.
    pub fn render(&self, messages: Value, tools: Value) -> Result<String, ChatError> {
        let template = self.environment.get_template(NAME).map_err(|error| ChatError::Template(error.to_string()))?;
        let tools = if tools.is_undefined() { Value::from(()) } else { tools };
        let named = self.named.iter().map(|(name, token)| (name.clone(), Value::from(token.clone())));
        let own = [("messages", messages), ("tools", tools), ("add_generation_prompt", Value::from(true))];
        let variables = Value::from_pairs(named.chain(own.map(|(name, value)| (name.to_owned(), value))));
        template.render(variables).map_err(|error| {
            let raised = std::error::Error::source(&error).is_some_and(|source| source.is::<Raised>());
            match raised {
                true => ChatError::Refused(error.detail().unwrap_or_default().to_owned()),
                false => ChatError::Template(format!("{error} (line {})", error.line().unwrap_or(0))),
            }
        })
    }
}

/// Marks an error as the template's own.
#[derive(Debug, thiserror::Error)]
#[error("raised by the template")]
struct Raised;

/// The source without the tags that only training needs: transformers' `generation` changes nothing of the text.
fn plain(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(length) = rest[start + 2..].find("%}") else { break };
        let tag = &rest[start..start + length + 4];
        let inner = tag[2..length + 2].trim_matches(['-', '+']).trim();
        out += &rest[..start];
        match inner {
            "generation" => out += &tag.replace("generation", "if true"),
            "endgeneration" => out += &tag.replace("endgeneration", "endif"),
            _ => out += tag,
        }
        rest = &rest[start + tag.len()..];
    }
    out + rest
}

/// Writes a value as Python would print it.
fn python(out: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    out.write_str(&spelled(value)).map_err(Error::from)
}

/// `str(value)`.
fn spelled(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.to_owned(),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => quoted(value),
        _ => value.to_string(),
    }
}

/// `repr(value)`, for what stands in a list or a dict.
fn quoted(value: &Value) -> String {
    let list = |value: &Value| value.try_iter().into_iter().flatten().collect::<Vec<_>>();
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            // Python prefers single quotes unless only they occur.
            let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
            let mut out = String::from(quote);
            for c in text.chars() {
                match c {
                    '\n' => out += "\\n",
                    '\r' => out += "\\r",
                    '\t' => out += "\\t",
                    '\\' => out += "\\\\",
                    c if c == quote => out.extend(['\\', c]),
                    c => out.push(c),
                }
            }
            out.push(quote);
            out
        }
        ValueKind::Seq | ValueKind::Iterable => {
            format!("[{}]", list(value).iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        ValueKind::Map => {
            let pairs = list(value).into_iter().map(|key| {
                let of = value.get_item(&key).unwrap_or_default();
                format!("{}: {}", quoted(&key), quoted(&of))
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        _ => spelled(value),
    }
}

/// transformers' `tojson`: `json.dumps` with characters as they are, dicts in order, and no escapes for HTML.
fn to_json(value: &Value, arguments: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = arguments.get("indent").unwrap_or_default();
    let sorted: bool = arguments.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    let separators: Option<Vec<String>> = arguments.get("separators").unwrap_or_default();
    let _: Option<bool> = arguments.get("ensure_ascii").unwrap_or_default();
    arguments.assert_all_used()?;
    let (comma, colon) = match separators.as_deref() {
        Some([comma, colon]) => (comma.clone(), colon.clone()),
        _ => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
    };
    let mut out = String::new();
    Json { indent, sorted, comma, colon }.write(value, 0, &mut out)?;
    Ok(Value::from(out))
}

/// How `json.dumps` was asked to write.
struct Json {
    indent: Option<usize>,
    sorted: bool,
    comma: String,
    colon: String,
}

impl Json {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.collect::<Vec<_>>();
                self.all(('[', ']'), items, depth, out, |item, out| self.write(&item, depth + 1, out))
            }
            ValueKind::Map => {
                let mut keys = value.try_iter()?.collect::<Vec<_>>();
                if self.sorted {
                    keys.sort();
                }
                self.all(('{', '}'), keys, depth, out, |key, out| {
                    self.write(&Value::from(key.to_string()), 0, out)?;
                    *out += &self.colon;
                    self.write(&value.get_item(&key)?, depth + 1, out)
                })
            }
            ValueKind::Undefined => {
                Err(Error::new(ErrorKind::InvalidOperation, "tojson: expected a value, found an undefined one"))
            }
            _ => {
                let text = serde_json::to_string(value)
                    .map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("tojson: {error}")))?;
                *out += &text;
                Ok(())
            }
        }
    }

    fn all(
        &self,
        (open, close): (char, char),
        items: Vec<Value>,
        depth: usize,
        out: &mut String,
        mut each: impl FnMut(Value, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push(open);
        let line = |out: &mut String, depth: usize| {
            if let Some(indent) = self.indent {
                let _ = write!(out, "\n{:1$}", "", indent * depth);
            }
        };
        let empty = items.is_empty();
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                *out += &self.comma;
            }
            line(out, depth + 1);
            each(item, out)?;
        }
        if !empty {
            line(out, depth);
        }
        out.push(close);
        Ok(())
    }
}
